// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import "context"

// Domain is one life of a guest. After the guest has rebooted, calls return [NoSuchDomain], and a
// resize may return [DomainGone]; [Host.Find] then returns its new life. A Domain never changes and need
// not be closed. Any number of goroutines may use it at once.
type Domain struct {
	host     *Host
	identity Identity
}

// Identity tells which domain it is, as it was when it was found.
func (d *Domain) Identity() Identity {
	if d == nil {
		return Identity{}
	}
	return d.identity
}

// Name is the domain's name when it was found.
func (d *Domain) Name() string { return d.Identity().Name }

// String is the domain's name.
func (d *Domain) String() string { return d.Name() }

// Status asks what the domain and its agent have now, and which sizes a resize would be granted. Nil
// options are the defaults.
//
// Blocks for some milliseconds, or for up to 5 s if an agent no longer answers; the end of the context
// ends the wait at once. [Host.StatusAll] asks all guests at once.
// Errors: [NoSuchDomain], [Stalled], [StoreError], [HypervisorError].
func (d *Domain) Status(ctx context.Context, options *QuestionOptions) (*Status, error) {
	begin := d.begin(func(domain *C.memctl_domain, operation **C.memctl_operation) *C.memctl_error {
		return C.memctl_domain_start_status(domain, options.c(), operation)
	})
	return ask(ctx, d.ofHost(), d.Name()+": the status", begin, statusAnswer)
}

// Doctor finds what is good and bad about the domain and its guest. Nil options are the defaults.
// Blocks and fails like Status.
func (d *Domain) Doctor(ctx context.Context, options *QuestionOptions) ([]Finding, error) {
	begin := d.begin(func(domain *C.memctl_domain, operation **C.memctl_operation) *C.memctl_error {
		return C.memctl_domain_start_doctor(domain, options.c(), operation)
	})
	return ask(ctx, d.ofHost(), d.Name()+": the doctor's look", begin, findingsAnswer)
}

// Plan tells what Resize would do, and changes nothing. Nil options are the defaults;
// [ResizeOptions.Questions] has those of a resize. Blocks like Status. Errors: every cause for which a
// resize is refused.
func (d *Domain) Plan(ctx context.Context, size Request, options *QuestionOptions) (*Plan, error) {
	wanted, err := requestOf(size)
	if err != nil {
		return nil, err
	}
	begin := d.begin(func(domain *C.memctl_domain, operation **C.memctl_operation) *C.memctl_error {
		return C.memctl_domain_start_plan(domain, wanted.kind, wanted.kib, options.c(), operation)
	})
	return ask(ctx, d.ofHost(), d.Name()+": the plan", begin, planAnswer)
}

// Resize brings the domain to a size, and waits until the size is verified. Nil options are the
// defaults.
//
// If the context ends, the resize is cancelled, and Resize returns once the guest is restored. In its
// error [errors.Is] then finds both [Cancelled] and the context's own error. If the resize has ended
// before, its own end counts. [StartResize] is the same without the waiting, and shows the progress.
//
// Blocks for seconds, or minutes if much memory moves. Errors: every cause. The error has the report,
// unless the resize had not begun.
func (d *Domain) Resize(ctx context.Context, size Request, options *ResizeOptions) (*Report, error) {
	operation, err := d.startResize(ctx, size, options, nil)
	if err != nil {
		return nil, err
	}
	<-operation.call.done
	return operation.report, operation.failure
}

// StartResize begins to resize the domain. If the context ends, the resize is cancelled and the guest
// restored, as with Resize. The resize goes on until it ends, even if the program drops the Operation.
//
// Does not block. Errors: [InvalidSize], [InvalidArgument], and [Cancelled] if the context has ended
// already. The operation has all other errors.
func (d *Domain) StartResize(
	ctx context.Context, size Request, options *ResizeOptions,
) (*Operation, error) {
	return d.startResize(ctx, size, options, make(chan Event, eventsWaiting))
}

func (d *Domain) startResize(
	ctx context.Context, size Request, options *ResizeOptions, events chan Event,
) (*Operation, error) {
	if err := require(ctx, d.Name()+": the resize"); err != nil {
		return nil, err
	}
	wanted, err := requestOf(size)
	if err != nil {
		return nil, err
	}
	operation := newOperation(ctx, d, events)
	begin := func(number C.uintptr_t, handle **C.memctl_operation) error {
		if events == nil {
			number = 0
		}
		return d.with(func(domain *C.memctl_domain) *C.memctl_error {
			return C.memctlgo_start_resize(domain, wanted.kind, wanted.kib, options.c(), d.host.queue,
				number, handle)
		})
	}
	if err := operation.call.start(begin); err != nil {
		return nil, err
	}
	if ctx.Done() != nil {
		go operation.follow()
	}
	return operation, nil
}

// Recover restores what a resize left whose process died: the limits, the target, the claim, and the
// memory as far as that is safe for the guest. The next resize of the domain does so first, too. Reads
// Online, HostReserve and Stall of the options, which may be nil.
//
// Blocks for milliseconds if nothing was left, otherwise until the guest has given its memory back.
// Nothing can cancel a recovery: the end of the context only ends the wait. Errors: [Busy] (the
// resize's process lives), [JournalDamaged], [DomainMigrating], [DomainPaused], [Stalled],
// [NoSuchDomain], [StoreError], [HypervisorError] leave everything as it was; [DomainGone],
// [GuestRebooted] and [Superseded] have a report.
func (d *Domain) Recover(ctx context.Context, options *QuestionOptions) (*Recovery, error) {
	begin := d.begin(func(domain *C.memctl_domain, operation **C.memctl_operation) *C.memctl_error {
		return C.memctl_domain_start_recovery(domain, options.recovery(), operation)
	})
	return ask(ctx, d.ofHost(), d.Name()+": the wait for the recovery", begin, recoveryAnswer)
}

// ofHost is nil if there is no domain.
func (d *Domain) ofHost() *Host {
	if d == nil {
		return nil
	}
	return d.host
}

// begin starts an operation of the domain.
func (d *Domain) begin(
	start func(*C.memctl_domain, **C.memctl_operation) *C.memctl_error,
) begin {
	return func(_ C.uintptr_t, operation **C.memctl_operation) error {
		return d.with(func(domain *C.memctl_domain) *C.memctl_error {
			return start(domain, operation)
		})
	}
}

// with calls use with a handle of the domain, which lives until use returns. Does not block.
func (d *Domain) with(use func(*C.memctl_domain) *C.memctl_error) error {
	return d.identity.with(func(identity *C.memctl_identity) error {
		var domain *C.memctl_domain
		if err := errorOf(C.memctl_host_domain(d.host.handle, identity, &domain)); err != nil {
			return err
		}
		defer C.memctl_domain_close(domain)
		return errorOf(use(domain))
	})
}
