// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"fmt"
	"strconv"
)

// Size is an amount of memory, counted in KiB, as Xen counts it. Write it with its unit, as you
// write a [time.Duration]:
//
//	domain.Resize(ctx, 4*memctl.GiB, nil)
//
// The size of a domain is counted as xl counts it, with video RAM.
type Size int64

// The units of sizes.
const (
	KiB Size = 1
	MiB      = 1024 * KiB
	GiB      = 1024 * MiB
	TiB      = 1024 * GiB
)

// String is the size as memctl prints all sizes: whole MiB as "1024 MiB", anything else as
// "1048573 KiB".
func (s Size) String() string {
	if s%MiB == 0 {
		return strconv.FormatInt(int64(s/MiB), 10) + " MiB"
	}
	return strconv.FormatInt(int64(s), 10) + " KiB"
}

// Relative is a difference to the domain's present target; negative to shrink:
//
//	domain.Resize(ctx, memctl.Relative(-512*memctl.MiB), nil)
type Relative Size

// String is the difference with its sign, as in "+512 MiB".
func (r Relative) String() string {
	if r < 0 {
		return Size(r).String()
	}
	return "+" + Size(r).String()
}

// Request is the size that a caller asks for: a [Size] or a [Relative].
type Request interface {
	fmt.Stringer
	isRequest()
}

func (Size) isRequest()     {}
func (Relative) isRequest() {}

// ParseSize reads a size as xl does, and returns a [Size] or a [Relative]. A bare number is MiB. The
// suffixes are k, m, g and t, also KiB, MiB, GiB and TiB, in any case. A leading sign makes the size
// relative; a size to shrink by needs its unit. Does not block. Errors: [InvalidSize], with the
// accepted forms in the hint.
func ParseSize(text string) (Request, error) {
	given, err := newText(text, "the size")
	if err != nil {
		return nil, &Error{Cause: InvalidSize, Message: strconv.Quote(text) + " is no size"}
	}
	defer given.free()
	var kind C.memctl_size_kind
	var kib C.int64_t
	if err := errorOf(C.memctl_parse_size(given.c, &kind, &kib)); err != nil {
		return nil, err
	}
	if kind == C.MEMCTL_SIZE_RELATIVE {
		return Relative(kib), nil
	}
	return Size(kib), nil
}

// request is a size as the library takes it.
type request struct {
	kind C.memctl_size_kind
	kib  C.int64_t
}

func requestOf(size Request) (request, error) {
	switch size := size.(type) {
	case Size:
		return request{C.MEMCTL_SIZE_ABSOLUTE, C.int64_t(size)}, nil
	case Relative:
		return request{C.MEMCTL_SIZE_RELATIVE, C.int64_t(size)}, nil
	}
	return request{}, &Error{
		Cause:   InvalidSize,
		Message: fmt.Sprintf("a %T is no size", size),
		Hint:    "give a memctl.Size or a memctl.Relative",
	}
}
