// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import (
	"sync"
	"sync/atomic"
)

// What the library's callbacks go to, by number. C keeps the numbers. A callback can still wait in
// the library's queue when its receiver has gone; its number then finds nothing, because numbers are
// never used again.
var (
	receivers    sync.Map
	lastReceiver atomic.Uintptr
)

// receive gives a receiver its number.
func receive(receiver any) C.uintptr_t {
	number := lastReceiver.Add(1)
	receivers.Store(number, receiver)
	return C.uintptr_t(number)
}

func stopReceiving(number C.uintptr_t) { receivers.Delete(uintptr(number)) }

// receiverOf is the receiver of this number. Nil: it has gone.
func receiverOf[T any](number C.uintptr_t) *T {
	found, _ := receivers.Load(uintptr(number))
	receiver, _ := found.(*T)
	return receiver
}

// The callbacks run in the goroutine of a host that dispatches. None of them waits.

//export memctlgoLog
func memctlgoLog(number C.uintptr_t, line *C.memctl_log_line) {
	if log := receiverOf[logQueue](number); log != nil {
		log.put(logLineOf(line))
	}
}

//export memctlgoEvent
func memctlgoEvent(number C.uintptr_t, event *C.memctl_event) {
	if call := receiverOf[call](number); call != nil {
		makeRoom(call.events, func(Event) {})
		call.events <- eventOf(event)
	}
}

//export memctlgoChange
func memctlgoChange(number C.uintptr_t, change *C.memctl_change) {
	if watch := receiverOf[watch](number); watch != nil {
		watch.put(Change{ChangeKind(change.change), identityOf(change.domain)})
	}
}

//export memctlgoEnd
func memctlgoEnd(number C.uintptr_t) {
	if call := receiverOf[call](number); call != nil {
		call.end()
	}
}

// makeRoom drops the oldest values of a full channel, so that the caller, who alone fills it, can put
// one more without waiting.
func makeRoom[T any](channel chan T, dropped func(T)) {
	for len(channel) == cap(channel) {
		select {
		case oldest := <-channel:
			dropped(oldest)
		default: // a reader was faster
		}
	}
}
