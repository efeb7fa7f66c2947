// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import "context"

// call is an operation of the library that is under way: a resize, a recovery or a question.
type call struct {
	host   *Host
	handle *C.memctl_operation
	number C.uintptr_t
	// events is the channel that Operation.Events returns. Nil: this call has no events.
	events chan Event
	// fetch takes the answer of the operation, which has ended.
	fetch func(*C.memctl_operation)
	done  chan struct{}
}

// begin starts an operation of the library. It may only make calls that do not block.
type begin func(number C.uintptr_t, operation **C.memctl_operation) error

// start starts the operation of a call. If it fails, nothing goes on.
func (c *call) start(begin begin) error {
	return c.host.quick(func() error {
		c.number = receive(c)
		var handle *C.memctl_operation // alone in its memory, which C is shown
		err := begin(c.number, &handle)
		c.handle = handle
		if err == nil {
			err = errorOf(C.memctlgo_on_end(handle, c.host.queue, c.number))
		}
		if err != nil {
			c.cancel() // what has begun without memory for on_end
			stopReceiving(c.number)
			return err
		}
		c.host.calls.Add(1)
		c.host.underWay[c] = struct{}{}
		return nil
	})
}

// end is told once that the operation has ended. It waits until start has returned.
func (c *call) end() {
	c.host.mutex.Lock()
	delete(c.host.underWay, c)
	c.host.mutex.Unlock()
	stopReceiving(c.number)
	c.fetch(c.handle)
	C.memctl_operation_close(c.handle)
	if c.events != nil {
		close(c.events)
	}
	close(c.done)
	c.host.calls.Done()
}

// cancel asks a resize to end. The host's mutex is held.
func (c *call) cancel() { _ = errorOf(C.memctl_operation_cancel(c.handle)) }

// ask asks a question and waits for its answer, or until the context ends.
func ask[T any](
	ctx context.Context, host *Host, what string, begin begin,
	answer func(*C.memctl_operation) (T, error),
) (T, error) {
	var none T
	if err := require(ctx, what); err != nil {
		return none, err
	}
	var value T
	var failure error
	asked := &call{host: host, done: make(chan struct{})}
	asked.fetch = func(handle *C.memctl_operation) { value, failure = answer(handle) }
	if err := asked.start(begin); err != nil {
		return none, err
	}
	select {
	case <-asked.done:
		return value, failure
	case <-ctx.Done():
		return none, givenUp(ctx, what)
	}
}

// Each of these takes the answer of an operation that has ended.

func statusAnswer(handle *C.memctl_operation) (*Status, error) {
	var status *C.memctl_status
	if err := errorOf(C.memctl_operation_status(handle, &status)); err != nil {
		return nil, err
	}
	defer C.memctl_status_free(status)
	return statusOf(status), nil
}

func planAnswer(handle *C.memctl_operation) (*Plan, error) {
	var plan *C.memctl_plan
	if err := errorOf(C.memctl_operation_plan(handle, &plan)); err != nil {
		return nil, err
	}
	defer C.memctl_plan_free(plan)
	return planOf(plan), nil
}

func findingsAnswer(handle *C.memctl_operation) ([]Finding, error) {
	var findings *C.memctl_findings
	if err := errorOf(C.memctl_operation_findings(handle, &findings)); err != nil {
		return nil, err
	}
	defer C.memctl_findings_free(findings)
	return findingsOf(findings), nil
}

func reportAnswer(handle *C.memctl_operation) (*Report, error) {
	var report *C.memctl_report
	if err := errorOf(C.memctl_operation_report(handle, &report)); err != nil {
		return nil, err
	}
	defer C.memctl_report_free(report)
	return reportOf(report), nil
}

func recoveryAnswer(handle *C.memctl_operation) (*Recovery, error) {
	var recovery *C.memctl_recovery
	if err := errorOf(C.memctl_operation_recovery(handle, &recovery)); err != nil {
		return nil, err
	}
	defer C.memctl_recovery_free(recovery)
	return &Recovery{reportOf(recovery.report), Size(recovery.unknown_claim_kib)}, nil
}
