// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

// #include "bridge.h"
import "C"

import "strconv"

// mostLogLines is the largest LogLines that Open accepts, so that an unread log takes bounded memory.
const mostLogLines = 1 << 20

// logQueue holds the newest lines of a host's log.
type logQueue struct {
	// number is 0 if there is no log.
	number C.uintptr_t
	lines  chan LogLine
}

func newLogQueue(lines int) (*logQueue, error) {
	if lines < 0 || lines > mostLogLines {
		return nil, invalid("LogLines is "+strconv.Itoa(lines),
			"give a number from 0 to "+strconv.Itoa(mostLogLines))
	}
	log := &logQueue{lines: make(chan LogLine, lines)}
	if lines > 0 {
		log.number = receive(log)
	} else {
		close(log.lines)
	}
	return log, nil
}

func (l *logQueue) put(line LogLine) {
	makeRoom(l.lines, func(dropped LogLine) { line.Lost += 1 + dropped.Lost })
	l.lines <- line
}

func (l *logQueue) close() {
	if l.number == 0 {
		return
	}
	stopReceiving(l.number)
	close(l.lines)
}

// closedChannel is the channel of what does not exist.
func closedChannel[T any]() chan T {
	channel := make(chan T)
	close(channel)
	return channel
}
