// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"context"
	"sync"
)

// Watch tells of guests that appear, change and end, until the context ends or the host is closed;
// then the channel is closed. Guests that run already appear first. Only what lasts is told: a guest
// that appears and ends within some milliseconds may be left out.
//
// A slow reader delays no one else. What it has not read yet is told as a sum: of a guest that changed
// twice, one change; of a guest that appeared and has ended, nothing. So a reader that follows all
// changes always comes to the guests that run.
//
// Blocks for some milliseconds. Errors: [StoreError].
func (h *Host) Watch(ctx context.Context) (<-chan Change, error) {
	return brief(ctx, h, "the watch", func() (<-chan Change, error) {
		begun := &watch{host: h, news: make(chan struct{}, 1), told: make(chan Change)}
		begun.number = receive(begun)
		err := errorOf(C.memctlgo_watch(h.handle, h.queue, begun.number, &begun.handle))
		if err != nil {
			stopReceiving(begun.number)
			return nil, err
		}
		h.calls.Add(1)
		go begun.tell(ctx)
		return begun.told, nil
	})
}

type watch struct {
	host   *Host
	handle *C.memctl_watch
	number C.uintptr_t
	// news has a value if there may be something in waiting.
	news chan struct{}
	told chan Change

	mutex   sync.Mutex
	waiting []Change
}

func (w *watch) put(change Change) {
	w.mutex.Lock()
	w.waiting = add(w.waiting, change)
	w.mutex.Unlock()
	select {
	case w.news <- struct{}{}:
	default: // it has a value already
	}
}

// next takes the oldest change that waits, if there is one.
func (w *watch) next() (change Change, found bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.waiting) == 0 {
		return Change{}, false
	}
	change = w.waiting[0]
	w.waiting = w.waiting[1:]
	return change, true
}

// tell tells the reader of all changes until the watch ends.
func (w *watch) tell(ctx context.Context) {
	defer w.host.calls.Done()
	defer close(w.told)
	defer w.stop()
	change, found := w.next()
	for {
		told := w.told
		if !found {
			told = nil // which nobody can be told on
		}
		select {
		case told <- change:
			change, found = w.next()
		case <-w.news:
			if !found {
				change, found = w.next()
			}
		case <-w.host.closing:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) stop() {
	w.host.mutex.Lock()
	defer w.host.mutex.Unlock()
	C.memctl_watch_stop(w.handle)
	stopReceiving(w.number)
}

// add adds a change to those that wait, and merges it with an earlier one of the same guest.
func add(waiting []Change, next Change) []Change {
	for each, earlier := range waiting {
		if earlier.Domain.ID != next.Domain.ID || earlier.Domain.UUID != next.Domain.UUID {
			continue
		}
		if next.Kind == ChangeChanged {
			waiting[each].Domain = next.Domain // what has appeared still appears, as it is now
			return waiting
		}
		waiting = append(waiting[:each], waiting[each+1:]...)
		if earlier.Kind == ChangeAppeared {
			return waiting
		}
		break
	}
	return append(waiting, next)
}
