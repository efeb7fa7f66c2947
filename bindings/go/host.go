// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"context"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Host is a connection to one Xen host. Any number of goroutines may use it at once. A host has to be
// closed, because the garbage collector does not do so.
type Host struct {
	handle *C.memctl_host
	log    *logQueue
	// The library's queue of callbacks, and its file descriptor, on which one goroutine of this host
	// waits for them.
	queue      *C.memctl_queue
	descriptor *os.File
	dispatched chan struct{}

	// turn is held by the one call that blocks for some milliseconds in the library. So a thousand
	// such calls need one thread.
	turn    chan struct{}
	closing chan struct{}
	closed  chan struct{}

	// mutex is held during calls that do not block in the library, for the same reason.
	mutex    sync.Mutex
	shut     bool
	underWay map[*call]struct{}
	// calls counts what Close waits for. It grows while the mutex is held and shut is false; what it
	// counts already may add to it, too.
	calls sync.WaitGroup
}

// Open opens a host:
//
//   - "xen:" is the host in whose dom0 the program runs;
//   - "sim:" is a simulated host; each Host gets a new one;
//   - "sim:FILE" is a simulated host that a file describes.
//
// Nil options are the defaults. Blocks for some milliseconds. Errors: [NoXen], [NotPermitted],
// [XenUnsupported] (another release of Xen), [InvalidArgument] (an unknown kind of host, a file that
// describes no host, a wrong option).
func Open(uri string, options *HostOptions) (*Host, error) {
	if options == nil {
		options = &HostOptions{}
	}
	given, err := newText(uri, "the name of the host")
	if err != nil {
		return nil, err
	}
	defer given.free()
	log, err := newLogQueue(options.LogLines)
	if err != nil {
		return nil, err
	}
	host := &Host{
		log:        log,
		dispatched: make(chan struct{}),
		turn:       make(chan struct{}, 1),
		closing:    make(chan struct{}),
		closed:     make(chan struct{}),
		underWay:   map[*call]struct{}{},
	}
	err = errorOf(C.memctl_queue_open(&host.queue))
	if err == nil {
		err = host.openDescriptor()
	}
	if err == nil {
		err = options.Policy.with(func(policy *C.memctl_policy) error {
			return errorOf(C.memctlgo_open(given.c, policy, host.queue, log.number, &host.handle))
		})
	}
	if err == nil {
		err = host.startDispatching()
	}
	if err != nil {
		host.drop()
		return nil, err
	}
	return host, nil
}

// openDescriptor makes a file of the queue's descriptor, on which a goroutine can wait without a
// thread. It is a duplicate, because the queue's own belongs to the library.
func (h *Host) openDescriptor() error {
	descriptor, _, errno := syscall.Syscall(syscall.SYS_FCNTL,
		uintptr(C.memctl_queue_fd(h.queue)), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		raw := int(errno)
		return &Error{
			Cause:   NotPermitted,
			Message: "no file descriptor for callbacks: " + errno.Error(),
			Hint:    "raise the limit of open files of this process",
			Raw:     &raw,
		}
	}
	h.descriptor = os.NewFile(descriptor, "memctl's callbacks")
	return nil
}

func (h *Host) startDispatching() error {
	connection, err := h.descriptor.SyscallConn()
	if err == nil {
		err = h.descriptor.SetReadDeadline(time.Time{}) // which works if Go polls the file
	}
	if err != nil {
		return invalid("Go cannot wait for callbacks: "+err.Error(), "")
	}
	go func() {
		defer close(h.dispatched)
		// Read ends when the file is closed. It calls the function once at the beginning, and again each
		// time the descriptor becomes readable. A callback that arrives during a dispatch makes it
		// readable again, so none is missed.
		_ = connection.Read(func(uintptr) bool {
			h.dispatch()
			return false
		})
	}()
	return nil
}

// dispatch runs the callbacks that wait.
func (h *Host) dispatch() { _ = errorOf(C.memctl_queue_dispatch(h.queue, nil)) }

// drop ends what the host has of the library and of the system. Nothing uses it any more.
func (h *Host) drop() {
	C.memctl_host_close(h.handle)
	if h.descriptor != nil {
		h.descriptor.Close()
	}
	C.memctl_queue_close(h.queue)
	h.log.close()
}

// Close cancels all resizes, waits until their guests are restored and until questions and recoveries
// have ended, and disconnects. It also waits for calls of libxl, which end only with another tool's
// lock if they wait for one. Afterwards, the host and everything that came from it return errors in
// which [errors.Is] finds [ErrClosed], watches and the log are closed, and operations keep their
// results. Closing a host again waits for the first Close. Returns an error only for a host that Open
// did not return.
func (h *Host) Close() error {
	if h == nil || h.closing == nil {
		return noHost()
	}
	h.mutex.Lock()
	if h.shut {
		h.mutex.Unlock()
		<-h.closed
		return nil
	}
	h.shut = true
	close(h.closing)
	for call := range h.underWay {
		call.cancel() // a question goes on: it cannot be taken back
	}
	h.mutex.Unlock()
	h.calls.Wait()
	C.memctl_host_close(h.handle)
	h.descriptor.Close()
	<-h.dispatched
	h.dispatch() // the log's last lines
	h.drop()
	close(h.closed)
	return nil
}

func noHost() error {
	return invalid("there is no host: a memctl.Host or memctl.Domain is nil or empty",
		"memctl.Open returns hosts, which return domains")
}

// quick makes calls of the library that do not block.
func (h *Host) quick(do func() error) error {
	if h == nil || h.closing == nil {
		return noHost()
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.shut {
		return closedError()
	}
	return do()
}

type result[T any] struct {
	value T
	err   error
}

// brief makes a call of the library that blocks for some milliseconds. If the context ends before it
// has its turn, the call is not made; if later, its result is dropped.
func brief[T any](ctx context.Context, h *Host, what string, do func() (T, error)) (T, error) {
	var none T
	if err := require(ctx, what); err != nil {
		return none, err
	}
	err := h.quick(func() error {
		h.calls.Add(1)
		return nil
	})
	if err != nil {
		return none, err
	}
	results := make(chan result[T], 1)
	go func() {
		defer h.calls.Done()
		select {
		case h.turn <- struct{}{}:
			value, err := do()
			<-h.turn
			results <- result[T]{value, err}
		case <-ctx.Done():
		}
	}()
	select {
	case got := <-results:
		return got.value, got.err
	case <-ctx.Done():
		return none, givenUp(ctx, what)
	}
}

// Domains returns all guests, by number, without dom0. Blocks for some milliseconds. Errors:
// [HypervisorError].
func (h *Host) Domains(ctx context.Context) ([]*Domain, error) {
	return brief(ctx, h, "the list of the guests", func() ([]*Domain, error) {
		var found *C.memctl_identities
		if err := errorOf(C.memctl_host_domains(h.handle, &found)); err != nil {
			return nil, err
		}
		defer C.memctl_identities_free(found)
		domains := make([]*Domain, 0, found.count)
		for _, identity := range list(found.identities, found.count) {
			domains = append(domains, h.Domain(identityOf(identity)))
		}
		return domains, nil
	})
}

// Find returns the guest with this name or number; digits mean a number, as in xl. dom0 is no guest.
// Blocks for some milliseconds. Errors: [NoSuchDomain], [HypervisorError].
func (h *Host) Find(ctx context.Context, nameOrNumber string) (*Domain, error) {
	what := "the search for " + strconv.Quote(nameOrNumber)
	return brief(ctx, h, what, func() (*Domain, error) {
		name, err := newText(nameOrNumber, "the name of the domain")
		if err != nil {
			return nil, err
		}
		defer name.free()
		var found *C.memctl_domain
		if err := errorOf(C.memctl_host_find(h.handle, name.c, &found)); err != nil {
			return nil, err
		}
		defer C.memctl_domain_close(found)
		var identity *C.memctl_identity
		if err := errorOf(C.memctl_domain_identity(found, &identity)); err != nil {
			return nil, err
		}
		defer C.memctl_identity_free(identity)
		return h.Domain(identityOf(identity)), nil
	})
}

// Domain is the guest with an identity that a list, a report or a change gave. Does not block and
// does not ask the host: if the guest has ended, calls of the domain return [NoSuchDomain].
func (h *Host) Domain(identity Identity) *Domain { return &Domain{h, identity} }

// Doctor finds what is good and bad about the host itself. It reads only HostReserve of the options,
// which may be nil. Blocks for some milliseconds. Errors: [HypervisorError].
func (h *Host) Doctor(ctx context.Context, options *QuestionOptions) ([]Finding, error) {
	begin := func(_ C.uintptr_t, operation **C.memctl_operation) error {
		return errorOf(C.memctl_host_start_doctor(h.handle, options.c(), operation))
	}
	return ask(ctx, h, "the doctor's look at the host", begin, findingsAnswer)
}

// SetPolicy replaces the policy. Resizes that have begun keep theirs. Nil: no bounds. Does not block.
// Errors: [InvalidArgument], which names the wrong entry; the earlier policy then stays.
func (h *Host) SetPolicy(policy *Policy) error {
	return h.quick(func() error {
		return policy.with(func(given *C.memctl_policy) error {
			return errorOf(C.memctl_host_set_policy(h.handle, given))
		})
	})
}

// Log returns the channel with the lines of the host's log, oldest first. LogLines of [HostOptions] says
// how many lines may wait in it. If more come, the oldest are dropped, and each line says how many were
// dropped before it. Close closes the channel. A host without a log has a closed channel.
func (h *Host) Log() <-chan LogLine {
	if h == nil || h.closing == nil {
		return closedChannel[LogLine]()
	}
	return h.log.lines
}
