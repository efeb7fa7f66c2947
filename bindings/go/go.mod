module memctl

go 1.19
