// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"strconv"
	"time"
	"unsafe"
)

// NoReserve, as a HostReserve of a call's options: no host memory has to stay free.
const NoReserve Size = -1

// HostOptions is how a program wants a host to be.
type HostOptions struct {
	// Policy is what the administrator allows. Host.SetPolicy changes it.
	Policy Policy
	// LogLines is how many lines wait in Host.Log for their reader. 0: the host has no log.
	LogLines int
}

// Policy is what the administrator of a host allows. It can only narrow what calls ask for.
type Policy struct {
	// HostReserve is host memory that stays free, also if a call's own reserve is less.
	HostReserve Size
	// Domains has bounds for domains. For each bound, the first entry that names the domain and has
	// that bound counts.
	Domains []DomainPolicy
	// Numa: NumaLocal counts for all growths, also if a call's own is NumaAny.
	Numa Numa
}

// DomainPolicy has the bounds for the sizes of some domains.
type DomainPolicy struct {
	// Name is the name of the domains. "*" stands for any text, "?" for one character.
	Name string
	// Minimum and Maximum: 0 is no bound.
	Minimum, Maximum Size
}

// Zone is the zone of a guest that added memory goes to.
type Zone int32

// The zones.
const (
	// ZoneKernel: the guest's kernel can use the memory for itself.
	ZoneKernel Zone = C.MEMCTL_ZONE_KERNEL
	// ZoneMovable: the memory can be unplugged later, but ballooning never gives it back.
	ZoneMovable Zone = C.MEMCTL_ZONE_MOVABLE
)

// Numa is where the memory of a growth may lie on a host with several NUMA nodes.
type Numa int32

// The places.
const (
	// NumaAny: on any node.
	NumaAny Numa = C.MEMCTL_NUMA_ANY
	// NumaLocal: a growth is refused with HostMemory if its forecast says that some of its memory
	// would not lie on the domain's own nodes. The refusal is a forecast, too: others may take the
	// nodes' memory while the domain grows.
	NumaLocal Numa = C.MEMCTL_NUMA_LOCAL
)

// OnFailure is what happens if a resize cannot be finished.
type OnFailure int32

// What can happen.
const (
	// Restore: the earlier size and limits come back, as far as that is safe for the guest.
	Restore OnFailure = C.MEMCTL_ON_FAILURE_RESTORE
	// Keep: the size that was reached stays, with limits that fit it.
	Keep OnFailure = C.MEMCTL_ON_FAILURE_KEEP
)

// QuestionOptions is what a status, a plan or the doctor depends on: the resizes that they tell
// about.
type QuestionOptions struct {
	Online Zone
	// Agentless: the guest's agent is not asked. The doctor asks it in any case.
	Agentless bool
	// AllowHVMDevices and ForceMovable are as in ResizeOptions.
	AllowHVMDevices bool
	ForceMovable    bool
	// HostReserve is host memory that stays free. 0: 64 MiB. Or NoReserve.
	HostReserve Size
	// Stall is how long libxl may be silent, at least 5 s. 0: 30 s.
	Stall time.Duration
	Numa  Numa
}

// ResizeOptions is how a resize goes.
type ResizeOptions struct {
	// Timeout is the time for the whole resize; restoring takes more time after it. 0: no end.
	Timeout time.Duration
	// Stall ends the resize if no layer makes progress for so long. 0: 30 s. Progress is a 64th of
	// what a stage has to move; a GiB a minute is always enough.
	Stall     time.Duration
	OnFailure OnFailure
	Online    Zone
	// Agentless works without the guest's agent. The guest can only grow, and only Xen's page count
	// is verified.
	Agentless bool
	// AllowHVMDevices accepts that emulated devices cannot reach the added memory of an hvm guest.
	AllowHVMDevices bool
	// ForceMovable accepts more than three times as much movable memory as the guest's kernel can
	// use. Such a kernel can run dry.
	ForceMovable bool
	// HostReserve is host memory that stays free. 0: 64 MiB. Or NoReserve.
	HostReserve Size
	Numa        Numa
}

// Questions has the options with which a status, a plan or the doctor tells about resizes with o.
// Nil is nil.
func (o *ResizeOptions) Questions() *QuestionOptions {
	if o == nil {
		return nil
	}
	return &QuestionOptions{
		Online:          o.Online,
		Agentless:       o.Agentless,
		AllowHVMDevices: o.AllowHVMDevices,
		ForceMovable:    o.ForceMovable,
		HostReserve:     o.HostReserve,
		Stall:           o.Stall,
		Numa:            o.Numa,
	}
}

// milliseconds rounds away from 0, because 0 means the default.
func milliseconds(given time.Duration) C.int64_t {
	ms := given / time.Millisecond
	switch rest := given % time.Millisecond; {
	case rest > 0:
		ms++
	case rest < 0:
		ms--
	}
	return C.int64_t(ms)
}

// c is what the library takes. Nil has the defaults.
func (o *QuestionOptions) c() *C.memctl_question_options {
	if o == nil {
		return nil
	}
	return &C.memctl_question_options{
		size:              C.sizeof_memctl_question_options,
		online:            C.memctl_online_zone(o.Online),
		agentless:         C.bool(o.Agentless),
		allow_hvm_devices: C.bool(o.AllowHVMDevices),
		force_movable:     C.bool(o.ForceMovable),
		host_reserve_kib:  C.int64_t(o.HostReserve),
		stall_ms:          milliseconds(o.Stall),
		numa:              C.memctl_numa(o.Numa),
	}
}

// c is what the library takes. Nil has the defaults.
func (o *ResizeOptions) c() *C.memctl_resize_options {
	if o == nil {
		o = &ResizeOptions{}
	}
	return &C.memctl_resize_options{
		size:              C.sizeof_memctl_resize_options,
		timeout_ms:        milliseconds(o.Timeout),
		stall_ms:          milliseconds(o.Stall),
		on_failure:        C.memctl_on_failure(o.OnFailure),
		online:            C.memctl_online_zone(o.Online),
		agentless:         C.bool(o.Agentless),
		allow_hvm_devices: C.bool(o.AllowHVMDevices),
		force_movable:     C.bool(o.ForceMovable),
		host_reserve_kib:  C.int64_t(o.HostReserve),
		numa:              C.memctl_numa(o.Numa),
	}
}

// recovery is what a recovery reads of a question's options.
func (o *QuestionOptions) recovery() *C.memctl_resize_options {
	if o == nil {
		return nil
	}
	return (&ResizeOptions{Online: o.Online, HostReserve: o.HostReserve, Stall: o.Stall}).c()
}

// with calls use with the policy as the library takes it, which lives until use returns.
func (p *Policy) with(use func(*C.memctl_policy) error) error {
	if p == nil {
		return use(nil)
	}
	// C must not be shown memory of Go's that refers to other memory of Go's.
	count := C.size_t(len(p.Domains))
	entries := (*C.memctl_domain_policy)(C.calloc(count+1, C.sizeof_memctl_domain_policy))
	defer C.free(unsafe.Pointer(entries))
	pointers := (**C.memctl_domain_policy)(C.calloc(count+1, C.size_t(unsafe.Sizeof(entries))))
	defer C.free(unsafe.Pointer(pointers))
	all, order := list(entries, count), list(pointers, count)
	for each, bounds := range p.Domains {
		name, err := newText(bounds.Name, "the name of entry "+strconv.Itoa(each)+" of the policy")
		if err != nil {
			return err
		}
		defer name.free()
		all[each] = C.memctl_domain_policy{
			size:        C.sizeof_memctl_domain_policy,
			name:        name.c,
			minimum_kib: C.int64_t(bounds.Minimum),
			maximum_kib: C.int64_t(bounds.Maximum),
		}
		order[each] = &all[each]
	}
	return use(&C.memctl_policy{
		size:             C.sizeof_memctl_policy,
		host_reserve_kib: C.int64_t(p.HostReserve),
		domain_count:     count,
		domains:          pointers,
		numa:             C.memctl_numa(p.Numa),
	})
}

// with calls use with the identity as the library takes it, which lives until use returns.
func (i Identity) with(use func(*C.memctl_identity) error) error {
	name, err := newText(i.Name, "the name of the domain")
	if err != nil {
		return err
	}
	defer name.free()
	uuid, err := newText(i.UUID, "the UUID of the domain")
	if err != nil {
		return err
	}
	defer uuid.free()
	return use(&C.memctl_identity{
		size:  C.sizeof_memctl_identity,
		id:    C.uint32_t(i.ID),
		_type: C.memctl_domain_type(i.Type),
		name:  name.c,
		uuid:  uuid.c,
	})
}
