module ensure

go 1.19

require memctl v0.0.0

replace memctl => ../../../bindings/go
