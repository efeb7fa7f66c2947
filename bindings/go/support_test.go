// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// within is a context that ends if a test hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// simulate opens a simulated host of this description, and closes it after the test.
func simulate(t *testing.T, description string, options *HostOptions) *Host {
	t.Helper()
	file := filepath.Join(t.TempDir(), "host.json")
	if err := os.WriteFile(file, []byte(description), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, "sim:"+file, options)
}

func open(t *testing.T, uri string, options *HostOptions) *Host {
	t.Helper()
	host, err := Open(uri, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host
}

func find(t *testing.T, host *Host, name string) *Domain {
	t.Helper()
	domain, err := host.Find(within(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return domain
}

// slow is a host with a guest that takes many seconds to grow, so that a test can interrupt it.
const slow = `{"pace": 1, "guests": [
	{"name": "slow", "type": "pv", "memory": "1GiB", "populated_per_second": "64MiB"}]}`

// growSlowly starts a resize of the slow guest, and returns when memory moves.
func growSlowly(t *testing.T, host *Host) *Operation {
	t.Helper()
	operation, err := find(t, host, "slow").StartResize(context.Background(), 2*GiB, nil)
	if err != nil {
		t.Fatal(err)
	}
	for event := range operation.Events() {
		if event.Phase == PhasePopulate {
			return operation
		}
	}
	_, err = operation.Wait(within(t))
	t.Fatalf("it ended before memory moved: %v", err)
	return nil
}

// wantCause checks that an error has a cause, and that it says something.
func wantCause(t *testing.T, err error, cause Cause) *Error {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Fatalf("%v instead of %v", err, cause)
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Message == "" {
		t.Fatalf("%#v says nothing", err)
	}
	return failure
}

// countUnderWay is how many operations the host has.
func (h *Host) countUnderWay() int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return len(h.underWay)
}

// eventually waits until something that cannot be awaited is so.
func eventually(t *testing.T, so func() bool) {
	for end := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(end) {
			t.Error("it never became so")
			return
		}
		time.Sleep(time.Millisecond)
	}
}
