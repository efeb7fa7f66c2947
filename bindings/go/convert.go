// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"time"
	"unsafe"
)

// The functions below copy what the library hands out into Go's memory. The library's own memory ends
// when its owner is freed.

// list is an array of C's as a slice, which lives as long as the array.
func list[T any](first *T, count C.size_t) []T {
	if count == 0 {
		return nil
	}
	return unsafe.Slice(first, count)
}

// known is an amount that may be missing.
func known(kib C.int64_t) *Size {
	if kib == C.MEMCTL_UNKNOWN {
		return nil
	}
	size := Size(kib)
	return &size
}

func duration(ms C.int64_t) time.Duration { return time.Duration(ms) * time.Millisecond }

func identityOf(given *C.memctl_identity) Identity {
	return Identity{
		ID:   uint32(given.id),
		Name: C.GoString(given.name),
		Type: DomainType(given._type),
		UUID: C.GoString(given.uuid),
	}
}

func rangeOf(given *C.memctl_range) *Range {
	if given == nil {
		return nil
	}
	return &Range{
		Smallest: RangeEnd{
			Size(given.smallest_kib), Cause(given.smallest_cause), C.GoString(given.smallest_reason),
		},
		Largest: RangeEnd{
			Size(given.largest_kib), Cause(given.largest_cause), C.GoString(given.largest_reason),
		},
		Step:     Size(given.step_kib),
		StepFrom: Size(given.step_from_kib),
	}
}

func nodesOf(first *C.int32_t, count C.size_t) []int {
	var nodes []int
	for _, node := range list(first, count) {
		nodes = append(nodes, int(node))
	}
	return nodes
}

func numaForecastOf(given *C.memctl_numa_forecast) *NumaForecast {
	if given == nil {
		return nil
	}
	return &NumaForecast{Nodes: nodesOf(given.nodes, given.node_count), Local: known(given.local_kib)}
}

func numaEstimateOf(given *C.memctl_numa_estimate) *NumaEstimate {
	if given == nil {
		return nil
	}
	estimate := &NumaEstimate{
		Nodes: nodesOf(given.nodes, given.node_count), Local: known(given.local_kib),
	}
	for _, change := range list(given.changes, given.change_count) {
		estimate.Changes = append(estimate.Changes, NodeChange{int(change.node), Size(change.free_kib)})
	}
	return estimate
}

func statusOf(given *C.memctl_status) *Status {
	status := &Status{
		Domain:            identityOf(given.domain),
		Allocated:         Size(given.allocated_kib),
		Target:            Size(given.target_kib),
		Limit:             known(given.limit_kib),
		MaxPages:          Size(given.max_pages_kib),
		BootLimit:         known(given.boot_limit_kib),
		Pool:              known(given.pool_kib),
		ReportedTotal:     known(given.reported_total_kib),
		ReportedAvailable: known(given.reported_available_kib),
		Range:             rangeOf(given._range),
		RefusedBy:         Cause(given.refused_by),
		RefusedMessage:    C.GoString(given.refused_message),
		NumaForecast:      numaForecastOf(given.numa_forecast),
	}
	if agent := given.agent; agent != nil {
		status.Agent = &Agent{
			Version:       C.GoString(agent.version),
			KernelRelease: C.GoString(agent.kernel_release),
			BlockSize:     Size(agent.block_size_kib),
		}
	}
	return status
}

func planOf(given *C.memctl_plan) *Plan {
	plan := &Plan{
		Domain:       identityOf(given.domain),
		From:         Size(given.from_kib),
		To:           Size(given.to_kib),
		Limit:        Size(given.limit_kib),
		EarlierLimit: Size(given.earlier_limit_kib),
		Pool:         known(given.pool_kib),
		PoolGrowth:   Size(given.pool_growth_kib),
		HostFree:     Size(given.host_free_kib),
		HostReserve:  Size(given.host_reserve_kib),
		Range:        *rangeOf(given._range),
		NoWayBack:    C.GoString(given.no_way_back),
		NumaForecast: numaForecastOf(given.numa_forecast),
	}
	for _, stage := range list(given.stages, given.stage_count) {
		plan.Stages = append(plan.Stages, Stage{
			Size:       Size(stage.size_kib),
			Blocks:     int(stage.blocks),
			Memmap:     Size(stage.memmap_kib),
			HostMemory: Size(stage.host_memory_kib),
		})
	}
	return plan
}

func findingsOf(given *C.memctl_findings) []Finding {
	findings := make([]Finding, 0, given.count)
	for _, finding := range list(given.findings, given.count) {
		findings = append(findings, Finding{
			Check:    Check(finding.check),
			Severity: Severity(finding.severity),
			Message:  C.GoString(finding.message),
			Remedy:   C.GoString(finding.remedy),
		})
	}
	return findings
}

func reportOf(given *C.memctl_report) *Report {
	if given == nil {
		return nil
	}
	report := &Report{
		Outcome:    Outcome(given.outcome),
		Cause:      Cause(given.cause),
		Message:    C.GoString(given.message),
		Hint:       C.GoString(given.hint),
		Domain:     identityOf(given.domain),
		From:       Size(given.from_kib),
		Requested:  Size(given.requested_kib),
		Reached:    Size(given.reached_kib),
		Limit:      Size(given.limit_kib),
		Pool:       known(given.pool_kib),
		Stages:     int(given.stages),
		Elapsed:    duration(given.elapsed_ms),
		GuestTotal: known(given.guest_total_kib),
		Residual:   Size(given.residual_kib),
		Verified: Layers{
			Xen:        bool(given.verified_xen),
			Blocks:     bool(given.verified_blocks),
			GuestTotal: bool(given.verified_guest_total),
		},
		NumaEstimate: numaEstimateOf(given.numa_estimate),
	}
	for _, phase := range list(given.phases, given.phase_count) {
		report.Phases = append(report.Phases, PhaseTime{Phase(phase.phase), duration(phase.spent_ms)})
	}
	return report
}

func eventOf(given *C.memctl_event) Event {
	return Event{
		Phase:   Phase(given.phase),
		Stage:   int(given.stage),
		From:    Size(given.from_kib),
		To:      Size(given.to_kib),
		Now:     Size(given.now_kib),
		Elapsed: duration(given.elapsed_ms),
	}
}

func logLineOf(given *C.memctl_log_line) LogLine {
	line := LogLine{
		Level:   LogLevel(given.level),
		Kind:    LineKind(given.kind),
		Message: C.GoString(given.message),
		Report:  reportOf(given.report),
	}
	if given.domain != nil {
		domain := identityOf(given.domain)
		line.Domain = &domain
	}
	return line
}
