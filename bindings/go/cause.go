// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

// Cause is why a request was refused or failed. Each refusal and each failure has exactly one. A
// cause is an error value, so that [errors.Is] tells it:
//
//	if errors.Is(err, memctl.HostMemory) { ... }
type Cause int32

// The causes.
const (
	// NoCause: in a report, the resize was verified. In an error, memctl itself has a fault.
	NoCause Cause = C.MEMCTL_NO_CAUSE
	// NoXen: there is no Xen, or its interfaces cannot be opened.
	NoXen Cause = C.MEMCTL_CAUSE_NO_XEN
	// NoSuchDomain: no running domain has that name or number.
	NoSuchDomain Cause = C.MEMCTL_CAUSE_NO_SUCH_DOMAIN
	// InvalidSize: the text is no size, or no domain can have this size.
	InvalidSize Cause = C.MEMCTL_CAUSE_INVALID_SIZE
	// InvalidArgument: an unknown kind of host, an unreadable file, a wrong option, or a closed host.
	InvalidArgument Cause = C.MEMCTL_CAUSE_INVALID_ARGUMENT
	// BelowFloor: the guest needs more, or cannot give back so much.
	BelowFloor Cause = C.MEMCTL_CAUSE_BELOW_FLOOR
	// BelowPolicy: less than the administrator's minimum for this domain.
	BelowPolicy Cause = C.MEMCTL_CAUSE_BELOW_POLICY
	// AbovePolicy: more than the administrator's maximum for this domain.
	AbovePolicy Cause = C.MEMCTL_CAUSE_ABOVE_POLICY
	// NotPermitted: the caller may not do this.
	NotPermitted Cause = C.MEMCTL_CAUSE_NOT_PERMITTED
	// Busy: another operation holds the domain.
	Busy Cause = C.MEMCTL_CAUSE_BUSY
	// HostMemory: the host has too little memory to give.
	HostMemory Cause = C.MEMCTL_CAUSE_HOST_MEMORY
	// PagingPool: the domain's HAP or shadow pool cannot be made large enough.
	PagingPool Cause = C.MEMCTL_CAUSE_PAGING_POOL
	// XenUnsupported: this Xen, or this kind of domain, does not support the request.
	XenUnsupported Cause = C.MEMCTL_CAUSE_XEN_UNSUPPORTED
	// HVMEmulatedDevices: emulated devices could not reach the added memory.
	HVMEmulatedDevices Cause = C.MEMCTL_CAUSE_HVM_EMULATED_DEVICES
	// Passthrough: a PCI device is passed through to the domain.
	Passthrough Cause = C.MEMCTL_CAUSE_PASSTHROUGH
	// PopulateOnDemand: Xen still populates some of the domain's memory on demand.
	PopulateOnDemand Cause = C.MEMCTL_CAUSE_POPULATE_ON_DEMAND
	// AgentAbsent: the guest's agent never announced itself, or does not answer.
	AgentAbsent Cause = C.MEMCTL_CAUSE_AGENT_ABSENT
	// AgentIncompatible: the agent speaks no protocol version that this library speaks.
	AgentIncompatible Cause = C.MEMCTL_CAUSE_AGENT_INCOMPATIBLE
	// GuestNoHotplug: the guest's kernel cannot add memory.
	GuestNoHotplug Cause = C.MEMCTL_CAUSE_GUEST_NO_HOTPLUG
	// GuestKernelFault: the guest's kernel has a known fault that this request would meet.
	GuestKernelFault Cause = C.MEMCTL_CAUSE_GUEST_KERNEL_FAULT
	// AddressLimit: the guest's kernel has no addresses for so much added memory.
	AddressLimit Cause = C.MEMCTL_CAUSE_ADDRESS_LIMIT
	// BlockSize: the guest adds memory in whole blocks, and the size needs part of one.
	BlockSize Cause = C.MEMCTL_CAUSE_BLOCK_SIZE
	// GuestOfflineBlocks: added memory blocks stayed offline.
	GuestOfflineBlocks Cause = C.MEMCTL_CAUSE_GUEST_OFFLINE_BLOCKS
	// GuestMemmap: the guest's kernel has too little memory to manage the new memory.
	GuestMemmap Cause = C.MEMCTL_CAUSE_GUEST_MEMMAP
	// GuestBalloonGaveUp: the guest's balloon driver stopped trying.
	GuestBalloonGaveUp Cause = C.MEMCTL_CAUSE_GUEST_BALLOON_GAVE_UP
	// GuestPressure: the guest needs the memory that it was asked to give back.
	GuestPressure Cause = C.MEMCTL_CAUSE_GUEST_PRESSURE
	// GuestRebooted: the guest rebooted during the operation.
	GuestRebooted Cause = C.MEMCTL_CAUSE_GUEST_REBOOTED
	// Stalled: no layer made progress for too long.
	Stalled Cause = C.MEMCTL_CAUSE_STALLED
	// DomainGone: the domain shut down or was destroyed.
	DomainGone Cause = C.MEMCTL_CAUSE_DOMAIN_GONE
	// DomainPaused: the domain is paused and can do nothing.
	DomainPaused Cause = C.MEMCTL_CAUSE_DOMAIN_PAUSED
	// DomainMigrating: the domain is being saved or migrated.
	DomainMigrating Cause = C.MEMCTL_CAUSE_DOMAIN_MIGRATING
	// Superseded: another tool changed the target, the limit or max_pages.
	Superseded Cause = C.MEMCTL_CAUSE_SUPERSEDED
	// Deadline: the time that the option Timeout allowed is over.
	Deadline Cause = C.MEMCTL_CAUSE_DEADLINE
	// Cancelled: the caller cancelled, a context ended, or the host was closed.
	Cancelled Cause = C.MEMCTL_CAUSE_CANCELLED
	// JournalDamaged: the record of an earlier operation cannot be read.
	JournalDamaged Cause = C.MEMCTL_CAUSE_JOURNAL_DAMAGED
	// StoreError: xenstore failed.
	StoreError Cause = C.MEMCTL_CAUSE_STORE_ERROR
	// HypervisorError: a hypercall, or libxl, failed.
	HypervisorError Cause = C.MEMCTL_CAUSE_HYPERVISOR_ERROR
)

// Error is the cause's name as in JSON, for example "host_memory".
func (c Cause) Error() string { return C.GoString(C.memctl_cause_name(C.memctl_cause(c))) }
