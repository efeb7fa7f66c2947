// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import "time"

// Identity is one life of a domain. Xen's numbers wrap and names change hands, so the UUID tells
// whether the number still means the same domain. Identities can be compared with ==.
type Identity struct {
	ID   uint32
	Name string
	Type DomainType
	// UUID is as "xl list -v" prints it. Empty: not known.
	UUID string
}

// RangeEnd is one end of a range of sizes, and why the range ends there.
type RangeEnd struct {
	Size Size
	// Cause is why a resize past this end would be refused.
	Cause Cause
	// Reason is the cause in words, with figures. A guest may have written parts of it.
	Reason string
}

// Range has the sizes that a resize would be granted now. The host and the guest change, so a later
// resize may see another range.
type Range struct {
	Smallest, Largest RangeEnd
	// Step and StepFrom: up to StepFrom, every whole page of 4 KiB is a size. Above it, sizes go in
	// multiples of Step, counted from StepFrom.
	Step, StepFrom Size
}

// Agent is what a guest's agent says about itself. The guest claims all of it.
type Agent struct {
	Version       string
	KernelRelease string
	BlockSize     Size
}

// Status is a domain at one moment. The host measured every figure, but the guest claims the Agent
// and those whose names begin with Reported.
type Status struct {
	Domain Identity
	// Allocated is Xen's page count of the domain.
	Allocated Size
	// Target is the size that the domain was last asked to have.
	Target Size
	// Limit is how far the target may go without a resize. Nil: not known.
	Limit *Size
	// MaxPages is the hypervisor's cap, which a guest cannot pass.
	MaxPages Size
	// BootLimit is the limit that the domain was built with. Nil: not known.
	BootLimit *Size
	// Pool is the HAP or shadow pool. Nil: a pv domain has no pool.
	Pool *Size
	// Agent is nil if no agent answers, or if none was asked.
	Agent *Agent
	// ReportedTotal is the guest's MemTotal. Nil: not known.
	ReportedTotal *Size
	// ReportedAvailable is the guest's MemAvailable. Nil: not known.
	ReportedAvailable *Size
	// Range has the sizes that a resize would be granted now. Nil: every size would be refused, for
	// the cause RefusedBy.
	Range     *Range
	RefusedBy Cause
	// RefusedMessage is one line. A guest may have written parts of it.
	RefusedMessage string
	// NumaForecast is of a growth to the largest size. Nil: the host has one NUMA node, or no size
	// would be granted.
	NumaForecast *NumaForecast
}

// NumaForecast tells where the memory of a growth would lie, if nothing else happens on the host but
// what is claimed already.
type NumaForecast struct {
	// Nodes are the domain's own: Xen takes its memory from them as long as they have some. Empty:
	// not known.
	Nodes []int
	// Local is the part of the growth that would lie on them. Nil: not known.
	Local *Size
}

// NodeChange is how the free memory of one NUMA node changed.
type NodeChange struct {
	Node int
	// Free is negative if less is free than before.
	Free Size
}

// NumaEstimate tells how the free memory of the host's nodes changed while a resize ran. It is an
// estimate: whatever else took or freed memory meanwhile is in it.
type NumaEstimate struct {
	// Nodes are the domain's own. Empty: not known.
	Nodes   []int
	Changes []NodeChange
	// Local is the part of the growth that seems to lie on the domain's own nodes. Nil: it did not
	// grow, or it is not known.
	Local *Size
}

// Stage is one step of a resize. The guest reaches its size before the next stage begins.
type Stage struct {
	// Size is the domain's size after the stage.
	Size Size
	// Blocks is how many memory blocks the stage adds at most.
	Blocks int
	// Memmap is the guest memory that describing these blocks takes at most.
	Memmap Size
	// HostMemory is the host memory that the stage takes. Negative: it gives memory back.
	HostMemory Size
}

// Plan is what a resize would do. A resize decides each stage anew on fresh figures, so the number of
// stages may differ.
type Plan struct {
	Domain Identity
	// From is the domain's size now, and To its size after the resize.
	From, To Size
	// Limit is the limit afterwards, and EarlierLimit the limit now.
	Limit, EarlierLimit Size
	// Pool is the pool afterwards. Nil: a pv domain has no pool.
	Pool *Size
	// PoolGrowth is the host memory that the pool takes in addition.
	PoolGrowth Size
	// HostFree is the host memory that is free now and not claimed, and HostReserve the part of it
	// that stays free.
	HostFree, HostReserve Size
	// Stages is empty if the domain has that size already.
	Stages []Stage
	// Range has the sizes that would be granted now.
	Range Range
	// NoWayBack says why a resize back to the present size would be refused once the domain has
	// shrunk. Empty: it would not, or the domain does not shrink.
	NoWayBack string
	// NumaForecast is nil if the host has one NUMA node.
	NumaForecast *NumaForecast
}

// Finding is what the doctor found about one precondition.
type Finding struct {
	Check    Check
	Severity Severity
	// Message is one line, with the figures. A guest may have written parts of it.
	Message string
	// Remedy is a command or a short instruction that mends it. If it begins with "in the guest: ",
	// it is for the guest, otherwise for dom0. Empty: there is nothing to mend.
	Remedy string
}

// PhaseTime is how long a phase took.
type PhaseTime struct {
	Phase Phase
	Spent time.Duration
}

// Report is what a resize did, however it ended. The host measured every figure but GuestTotal,
// Residual, Verified.Blocks and Verified.GuestTotal, which the guest claims. Several callers may share
// a report: do not change it.
type Report struct {
	Outcome Outcome
	// Cause is NoCause if the resize was verified.
	Cause Cause
	// Message and Hint are those of the error. Empty if verified.
	Message, Hint string
	Domain        Identity
	// From is the size before.
	From Size
	// Requested is the absolute size that was asked for.
	Requested Size
	// Reached is the size that the domain has now, by Xen's page count.
	Reached Size
	// Limit is the limit now.
	Limit Size
	// Pool is the paging pool now. Nil: a pv domain has no pool.
	Pool *Size
	// Stages is how many stages were begun.
	Stages  int
	Elapsed time.Duration
	Phases  []PhaseTime
	// Verified has the layers that confirmed the result.
	Verified Layers
	// GuestTotal is the guest's MemTotal. Nil: not known.
	GuestTotal *Size
	// Residual is guest memory that still describes added blocks after their memory was given back.
	Residual Size
	// NumaEstimate tells where the memory came from or went to. Nil: the host has one NUMA node,
	// nothing was changed, or Xen did not tell.
	NumaEstimate *NumaEstimate
}

// Layers tells which of the three layers confirmed the result of a resize. A layer that could not be
// asked is false.
type Layers struct {
	// Xen: the domain has the pages.
	Xen bool
	// Blocks: the guest's memory blocks are online.
	Blocks bool
	// GuestTotal: the guest's MemTotal shows the memory.
	GuestTotal bool
}

// All tells whether all three layers confirmed the result.
func (l Layers) All() bool { return l.Xen && l.Blocks && l.GuestTotal }

// Recovery is what Recover did about a resize whose process had died.
type Recovery struct {
	// Report is nil if nothing was left behind. Otherwise its outcome is OutcomeRestored without a
	// cause, or OutcomeKept: without a cause if the resize had asked to keep what it reached, and
	// else with the cause that prevented restoring.
	Report *Report
	// UnknownClaim is host memory that another tool has claimed for the domain.
	UnknownClaim Size
}

// Event is how far a resize has come.
type Event struct {
	Phase Phase
	// Stage counts from 1; 0 outside the stages.
	Stage int
	// From is the size when the phase began, and To the size when it will end; both are 0 in
	// PhaseFacts, which finds them out.
	From, To Size
	// Now is the size now. In PhaseOnline the guest claims it; otherwise the host measured it.
	Now Size
	// Elapsed is the time since the resize began.
	Elapsed time.Duration
}

// Change is what happened to a guest. The host measured it.
type Change struct {
	Kind ChangeKind
	// Domain is as it is now. ChangeEnded: as it was.
	Domain Identity
}

// LogLine is one line of a host's log.
type LogLine struct {
	Level LogLevel
	Kind  LineKind
	// Domain is what the line is about. Nil: the host.
	Domain *Identity
	// Message is one line without a line end, which names the domain. A guest may have written parts
	// of it.
	Message string
	// Report is how the resize or recovery ended, for programs that keep a record of each. Nil: the
	// Kind is LineOther. Sizes that a refused request never came to know are 0.
	Report *Report
	// Lost is how many earlier lines were dropped since the line before, because nobody read them.
	Lost int
}
