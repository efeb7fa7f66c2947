// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unsafe"
)

// ErrClosed is what [errors.Is] finds in the errors of a host that was closed, and of everything
// that came from it.
var ErrClosed = errors.New("memctl: the host is closed")

// Error is what went wrong. Every error of this package is an *Error:
//
//	var failure *memctl.Error
//	if errors.As(err, &failure) && failure.Nearest != nil { ... }
//
// Several callers may share one: do not change it.
type Error struct {
	// Cause is the one cause. NoCause: a fault of memctl itself.
	Cause Cause
	// Message is one line with the figures, which names the domain. A guest may have written parts
	// of it.
	Message string
	// Hint is what a person can do. Empty: there is no hint.
	Hint string
	// Range has the sizes that would have been granted. Nil: the size was not the matter.
	Range *Range
	// Nearest is the size in the range that is nearest to the requested size.
	Nearest *Size
	// Raw is the failing call's own code: libxl's, or an errno. Nil: there is none.
	Raw *int
	// Log is what libxl logged during the failing call, oldest first.
	Log []string
	// Report tells what a resize reached, and what it left behind. Nil: no resize had begun.
	Report *Report

	under error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Is tells whether target is the error's cause, for [errors.Is].
func (e *Error) Is(target error) bool {
	cause, ok := target.(Cause)
	return ok && cause == e.Cause
}

// Unwrap is the context's error if a context ended the call, or ErrClosed.
func (e *Error) Unwrap() error { return e.under }

// errorOf takes over an error of the library.
func errorOf(given *C.memctl_error) error {
	if given == nil {
		return nil
	}
	defer C.memctl_error_free(given)
	failure := &Error{
		Cause:   Cause(given.cause),
		Message: C.GoString(given.message),
		Hint:    C.GoString(given.hint),
		Range:   rangeOf(given._range),
		Nearest: known(given.nearest_kib),
		Log:     make([]string, 0, given.log_count),
		Report:  reportOf(given.report),
	}
	if given.has_raw {
		raw := int(given.raw)
		failure.Raw = &raw
	}
	for _, line := range list(given.log, given.log_count) {
		failure.Log = append(failure.Log, C.GoString(line))
	}
	return failure
}

func invalid(message, hint string) error {
	return &Error{Cause: InvalidArgument, Message: message, Hint: hint}
}

func closedError() error {
	return &Error{Cause: InvalidArgument, Message: "the host is closed", under: ErrClosed}
}

// givenUp is the error of a call whose context has ended. what is what the call was for.
func givenUp(ctx context.Context, what string) error {
	return &Error{
		Cause:   Cancelled,
		Message: what + " was given up: " + ctx.Err().Error(),
		under:   ctx.Err(),
	}
}

// require is the error of a context that is nil or has ended.
func require(ctx context.Context, what string) error {
	if ctx == nil {
		return invalid("the context is nil", "give context.Background() if nothing is to end the call")
	}
	if ctx.Err() != nil {
		return givenUp(ctx, what)
	}
	return nil
}

// text is a text for C. Its memory is C's.
type text struct{ c *C.char }

// newText refuses a text with a null byte, because C would take the part before it.
func newText(given, what string) (text, error) {
	if strings.IndexByte(given, 0) >= 0 {
		return text{}, invalid(what+" has a null byte: "+strconv.Quote(given), "")
	}
	return text{C.CString(given)}, nil
}

func (t text) free() { C.free(unsafe.Pointer(t.c)) }
