// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
)

// eventsWaiting is how many events wait for their reader.
const eventsWaiting = 16

// Operation is a resize under way. Any number of goroutines may use it at once. It need not be closed:
// it goes on until it ends, and closing its host cancels it.
type Operation struct {
	domain Identity
	call   *call
	// context is the one whose end cancels the resize.
	context context.Context
	// contextError is why the context ended, if it did. The host's mutex guards it.
	contextError error
	// The result, which never changes once the call is done.
	report  *Report
	failure error
}

func newOperation(ctx context.Context, domain *Domain, events chan Event) *Operation {
	operation := &Operation{domain: domain.Identity(), context: ctx}
	operation.call = &call{
		host:   domain.ofHost(),
		events: events,
		fetch:  operation.fetch,
		done:   make(chan struct{}),
	}
	return operation
}

// Domain tells which domain is resized.
func (o *Operation) Domain() Identity {
	if o == nil {
		return Identity{}
	}
	return o.domain
}

// Events tells how far the resize has come, and is closed when it has ended. At most a few dozen
// events come in a second: if stages follow each other very fast, some of their events are left out.
// If events are not read in time, the oldest are dropped, so a slow reader does not delay the resize. All callers share one channel.
//
//	for event := range operation.Events() { ... }
//	report, err := operation.Wait(ctx) // does not wait: the resize has ended
func (o *Operation) Events() <-chan Event {
	if o == nil || o.call == nil {
		return closedChannel[Event]()
	}
	return o.call.events
}

// Done is closed when the resize has ended: then Wait does not wait.
func (o *Operation) Done() <-chan struct{} {
	if o == nil || o.call == nil {
		return closedChannel[struct{}]()
	}
	return o.call.done
}

// Wait waits until the resize has ended, and returns the report of a verified resize, or its error,
// which has the report: at every call the same.
//
// The context is that of the wait. If it ends first, the wait ends with an error in which [errors.Is]
// finds [Cancelled] and the context's own error, and the resize goes on. But if the context of
// [Domain.StartResize] has ended as well, as when both are the same, the resize is cancelled, and Wait
// returns its end once the guest is restored.
func (o *Operation) Wait(ctx context.Context) (*Report, error) {
	if o == nil || o.call == nil {
		return nil, invalid("this memctl.Operation is nil or empty",
			"StartResize returns operations")
	}
	select {
	case <-o.call.done: // which counts, even if the context has ended
		return o.report, o.failure
	default:
	}
	if ctx == nil {
		return nil, require(ctx, "")
	}
	select {
	case <-o.call.done:
	case <-ctx.Done():
		if o.context.Err() == nil {
			return nil, givenUp(ctx, o.domain.Name+": the wait for the resize")
		}
		<-o.call.done
	}
	return o.report, o.failure
}

// Cancel asks the resize to end with [Cancelled] and to restore the guest. Wait tells how it ended. If
// it has ended, does nothing. Does not block.
func (o *Operation) Cancel() {
	if o != nil && o.call != nil {
		o.cancelFor(nil)
	}
}

// cancelFor cancels the resize because a context has ended, or for no error.
func (o *Operation) cancelFor(contextError error) {
	o.call.host.mutex.Lock()
	defer o.call.host.mutex.Unlock()
	if _, found := o.call.host.underWay[o.call]; found {
		if contextError != nil {
			o.contextError = contextError
		}
		o.call.cancel()
	}
}

// follow cancels the resize when its context ends.
func (o *Operation) follow() {
	select {
	case <-o.call.done:
	case <-o.context.Done():
		o.cancelFor(o.context.Err())
	}
}

// fetch takes the result.
func (o *Operation) fetch(handle *C.memctl_operation) {
	o.report, o.failure = reportAnswer(handle)
	var failure *Error
	if errors.As(o.failure, &failure) && failure.Cause == Cancelled {
		o.call.host.mutex.Lock()
		defer o.call.host.mutex.Unlock()
		failure.under = o.contextError
	}
}
