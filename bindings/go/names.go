// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

// Version is the version of the library that the program runs with, for example "0.1.0".
func Version() string { return C.GoString(C.memctl_version()) }

// DomainType is the kind of a domain.
type DomainType int32

// The kinds of domains.
const (
	PV  DomainType = C.MEMCTL_DOMAIN_PV
	PVH DomainType = C.MEMCTL_DOMAIN_PVH
	HVM DomainType = C.MEMCTL_DOMAIN_HVM
)

// String is the type's name as in JSON, for example "pvh".
func (t DomainType) String() string {
	return C.GoString(C.memctl_domain_type_name(C.memctl_domain_type(t)))
}

// Outcome is how a resize ended.
type Outcome int32

// The outcomes.
const (
	// OutcomeVerified: the size was reached, and every layer that can be asked agrees.
	OutcomeVerified Outcome = C.MEMCTL_OUTCOME_VERIFIED
	// OutcomeRefused: nothing was changed.
	OutcomeRefused Outcome = C.MEMCTL_OUTCOME_REFUSED
	// OutcomeRestored: the resize failed, and the earlier state is restored.
	OutcomeRestored Outcome = C.MEMCTL_OUTCOME_RESTORED
	// OutcomeKept: it failed, and what it reached stays: the caller asked for it, or it is safer.
	OutcomeKept Outcome = C.MEMCTL_OUTCOME_KEPT
	// OutcomeSuperseded: another tool set the target, the limit or max_pages, and its value stays.
	OutcomeSuperseded Outcome = C.MEMCTL_OUTCOME_SUPERSEDED
	// OutcomeFailed: the resize failed, and the earlier state is restored only in part.
	OutcomeFailed Outcome = C.MEMCTL_OUTCOME_FAILED
	// OutcomeGone: the domain ended, rebooted or moved.
	OutcomeGone Outcome = C.MEMCTL_OUTCOME_GONE
)

// String is the outcome's name as in JSON, for example "verified".
func (o Outcome) String() string { return C.GoString(C.memctl_outcome_name(C.memctl_outcome(o))) }

// Phase is a part of a resize.
type Phase int32

// The phases, in their order.
const (
	PhaseFacts    Phase = C.MEMCTL_PHASE_FACTS
	PhaseReserve  Phase = C.MEMCTL_PHASE_RESERVE
	PhaseOnline   Phase = C.MEMCTL_PHASE_ONLINE
	PhasePopulate Phase = C.MEMCTL_PHASE_POPULATE
	PhaseVerify   Phase = C.MEMCTL_PHASE_VERIFY
	PhaseRestore  Phase = C.MEMCTL_PHASE_RESTORE
)

// String is the phase's name as in JSON, for example "populate".
func (p Phase) String() string { return C.GoString(C.memctl_phase_name(C.memctl_phase(p))) }

// Check is a precondition that the doctor looks at.
type Check int32

// The checks. The comments say what is good.
const (
	// Host: Xen is new enough.
	CheckXenVersion Check = C.MEMCTL_CHECK_XEN_VERSION
	// Host: more memory is free than the reserve.
	CheckHostReserve Check = C.MEMCTL_CHECK_HOST_RESERVE
	// Host: no memory is claimed for a domain and unused.
	CheckHostClaims Check = C.MEMCTL_CHECK_HOST_CLAIMS
	// Host: xl leaves dom0's memory, and new guests' pools, alone.
	CheckAutoballoon Check = C.MEMCTL_CHECK_AUTOBALLOON
	// Domain: it runs, and is neither saved nor migrated.
	CheckState Check = C.MEMCTL_CHECK_STATE
	// Domain: libxl built it and knows its memory.
	CheckStoredConfiguration Check = C.MEMCTL_CHECK_STORED_CONFIGURATION
	// Domain: no dead operation left anything behind.
	CheckLeftover Check = C.MEMCTL_CHECK_LEFTOVER
	// Domain: it holds no claim, or an operation under way holds it.
	CheckClaims Check = C.MEMCTL_CHECK_CLAIMS
	// Domain: libvirt does not run it, and so keeps no maximum for it.
	CheckLibvirt Check = C.MEMCTL_CHECK_LIBVIRT
	// Domain: no PCI device is passed through to it.
	CheckPassthrough Check = C.MEMCTL_CHECK_PASSTHROUGH
	// Domain (hvm): no emulated device does DMA.
	CheckEmulatedDevices Check = C.MEMCTL_CHECK_EMULATED_DEVICES
	// Domain (pvh, hvm): Xen can read and set its paging pool.
	CheckPagingPool Check = C.MEMCTL_CHECK_PAGING_POOL
	// Domain (pvh, hvm): its stored configuration lets the pool grow.
	CheckFrozenPool Check = C.MEMCTL_CHECK_FROZEN_POOL
	// Domain (pvh, hvm): all its memory is populated.
	CheckPopulateOnDemand Check = C.MEMCTL_CHECK_POPULATE_ON_DEMAND
	// Guest: its agent answers.
	CheckAgent Check = C.MEMCTL_CHECK_AGENT
	// Guest: its agent has the version of this library.
	CheckAgentVersion Check = C.MEMCTL_CHECK_AGENT_VERSION
	// Guest: its kernel can add memory.
	CheckHotplug Check = C.MEMCTL_CHECK_HOTPLUG
	// Guest: its kernel has no known fault in adding memory.
	CheckKernel Check = C.MEMCTL_CHECK_KERNEL
	// Guest: its kernel does not make added memory movable by itself.
	CheckOnlinePolicy Check = C.MEMCTL_CHECK_ONLINE_POLICY
	// Guest: no rule of udev's sets the state of added blocks.
	CheckUdevRule Check = C.MEMCTL_CHECK_UDEV_RULE
	// Guest: all blocks are online, and ballooning can take them back.
	CheckMemoryBlocks Check = C.MEMCTL_CHECK_MEMORY_BLOCKS
	// Domain (pvh, hvm): it can boot with its size under its limit.
	CheckReboot Check = C.MEMCTL_CHECK_REBOOT
	// Domain: Xen lets it have the pages that its target needs.
	CheckMaxPages Check = C.MEMCTL_CHECK_MAX_PAGES
	// Domain: a cold start would bring back the memory that it has.
	CheckColdStart Check = C.MEMCTL_CHECK_COLD_START
	// Host: no program runs that resizes all domains by itself.
	CheckMemoryManager Check = C.MEMCTL_CHECK_MEMORY_MANAGER
	// Host: it is known which program is xenstore.
	CheckXenstored Check = C.MEMCTL_CHECK_XENSTORED
)

// String is the check's name as in JSON, for example "xen_version".
func (c Check) String() string { return C.GoString(C.memctl_check_name(C.memctl_check(c))) }

// Severity is how bad a finding is.
type Severity int32

// The severities.
const (
	// SeverityGood: nothing is in the way.
	SeverityGood Severity = C.MEMCTL_SEVERITY_GOOD
	// SeverityNote: resizing works, but has a bound or a side effect.
	SeverityNote Severity = C.MEMCTL_SEVERITY_NOTE
	// SeverityBad: some resizes, or all, are refused or can do harm.
	SeverityBad Severity = C.MEMCTL_SEVERITY_BAD
	// SeverityUnknown: it cannot be known. If a resize is refused for that reason, it is SeverityBad instead.
	SeverityUnknown Severity = C.MEMCTL_SEVERITY_UNKNOWN
)

// String is the severity's name as in JSON, for example "bad".
func (s Severity) String() string { return C.GoString(C.memctl_severity_name(C.memctl_severity(s))) }

// ChangeKind is what happened to a guest.
type ChangeKind int32

// The kinds of changes.
const (
	// ChangeAppeared: the domain runs. A domain that reboots ends, and another appears.
	ChangeAppeared ChangeKind = C.MEMCTL_CHANGE_APPEARED
	// ChangeChanged: its name, its target or its limit is another.
	ChangeChanged ChangeKind = C.MEMCTL_CHANGE_CHANGED
	// ChangeEnded: the domain runs no more.
	ChangeEnded ChangeKind = C.MEMCTL_CHANGE_ENDED
)

// String is the kind's name, for example "appeared".
func (k ChangeKind) String() string { return C.GoString(C.memctl_change_name(C.memctl_change_kind(k))) }

// LogLevel is how much a line of the log matters.
type LogLevel int32

// The levels.
const (
	// LogDebug: the phases and stages of operations, and what libxl logged of a failed call.
	LogDebug LogLevel = C.MEMCTL_LOG_DEBUG
	// LogInfo: an operation begins, ends as asked, or is refused.
	LogInfo LogLevel = C.MEMCTL_LOG_INFO
	// LogWarning: an operation failed.
	LogWarning LogLevel = C.MEMCTL_LOG_WARNING
)

// String is the level's name, for example "warning".
func (l LogLevel) String() string { return C.GoString(C.memctl_log_level_name(C.memctl_log_level(l))) }

// LineKind is what a line of the log tells.
type LineKind int32

// The kinds.
const (
	LineOther LineKind = C.MEMCTL_LINE_OTHER
	// LineResizeEnded: how a resize ended. Each resize has exactly one such line, its last.
	LineResizeEnded LineKind = C.MEMCTL_LINE_RESIZE_ENDED
	// LineRecoveryEnded: how a recovery ended that found something, or that failed.
	LineRecoveryEnded LineKind = C.MEMCTL_LINE_RECOVERY_ENDED
)

// String is the kind's name, for example "resize_ended".
func (k LineKind) String() string { return C.GoString(C.memctl_line_kind_name(C.memctl_line_kind(k))) }
