// SPDX-License-Identifier: LGPL-2.1-or-later

/*
Package memctl gives running Xen guests more memory than they were started with, and takes memory
back. It is libmemctl, through its C interface.

	host, err := memctl.Open("xen:", nil) // or "sim:", a simulated host
	if err != nil {
		return err
	}
	defer host.Close()
	domain, err := host.Find(ctx, "web1")
	if err != nil {
		return err
	}
	report, err := domain.Resize(ctx, 4*memctl.GiB, nil)
	if errors.Is(err, memctl.HostMemory) {
		// the host has too little memory; nothing was changed
	}

# Contexts

If the context of a resize ends, the resize is cancelled, and the call returns once the guest is
restored. Its error then is both [Cancelled] and the context's error for [errors.Is], and has the
report. A question (a status, a plan, the doctor) and a recovery cannot be taken back: if their context
ends, only the wait ends, at once.

# Errors

Every error is an [*Error], with one cause, a line with the figures, and a hint. Causes are error
values for [errors.Is]. If the size was the matter, the error has the sizes that would work. If a
resize had begun, it has the [Report]: what the domain has now, and what was left behind.

# Trust

The host measures every figure but these, which the guest claims: what begins with Reported, the
[Agent], and of a [Report] GuestTotal, Residual and the layers Blocks and GuestTotal. The guest may also
have written parts of messages and reasons. Do not decide by claims about the host's memory.

# Goroutines and threads

Everything may be used by any number of goroutines at once. The values that calls return are the
caller's own, but for reports and errors of operations, which their callers share. The package calls
nothing of the program's: events, changes and the log come on channels, which the package fills and
closes. A reader that is slow, or that has stopped reading, delays no one else.

Each host has one goroutine, which waits for the library as for a socket, and one thread of the
library's; "xen:" has up to nine more. No call holds a thread while it waits for a guest, so a thousand
resizes need no more threads than one.

# The end

A host has to be closed, because the garbage collector does not do so. [Host.Close] cancels the
resizes and waits until their guests are restored. If the process ends without Close, its resizes stop
where they are. [Domain.Recover], "memctl recover" or the next resize of the guest restores what they left.

# Building

The package takes cgo, and finds the library by pkg-config. It has no home from which "go get" could
take it. Its sources are installed with the component devel, below share/gocode/src/memctl. Name that
place once, in the folder of your module:

	go mod edit -require memctl@v0.0.0 -replace memctl=/usr/local/share/gocode/src/memctl

If memctl is installed below another prefix, such as /opt/memctl, name the place below it, set
PKG_CONFIG_PATH to /opt/memctl/lib/pkgconfig, and build with -ldflags "-r /opt/memctl/lib", so that the
program finds the library.

Go's build cache does not notice another version of libmemctl: build with "go build -a" after an update.
*/
package memctl

// #cgo pkg-config: memctl
import "C"
