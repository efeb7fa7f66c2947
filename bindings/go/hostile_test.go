// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobodys is a Request of somebody else.
type nobodys struct{ Request }

func TestWrongSizesAreErrors(t *testing.T) {
	domain := find(t, open(t, "sim:", nil), "demo-pv")
	var nothing *Size
	for _, size := range []Request{
		nil, nothing, nobodys{}, Size(0), Size(-1), Size(math.MaxInt64), Size(math.MinInt64),
		Relative(math.MaxInt64), Relative(math.MinInt64), Relative(-2 * GiB),
	} {
		_, err := domain.Plan(within(t), size, nil)
		if err == nil {
			t.Errorf("%T has a plan", size)
		}
		_, err = domain.Resize(within(t), size, nil)
		if err == nil {
			t.Errorf("%T was reached", size)
		}
	}
}

func TestWrongOptionsAreErrors(t *testing.T) {
	host := open(t, "sim:", nil)
	domain := find(t, host, "demo-pv")
	for _, options := range []*ResizeOptions{
		{Timeout: -1},
		{Stall: -time.Second},
		{OnFailure: 7},
		{OnFailure: -1},
		{Online: 99},
		{HostReserve: -2},
		{HostReserve: math.MinInt64},
	} {
		_, err := domain.Resize(within(t), 2*GiB, options)
		wantCause(t, err, InvalidArgument)
		if options.Timeout != 0 || options.OnFailure != Restore {
			continue
		}
		_, err = domain.Status(within(t), options.Questions())
		wantCause(t, err, InvalidArgument)
		_, err = domain.Recover(within(t), options.Questions())
		wantCause(t, err, InvalidArgument)
		_, err = host.Doctor(within(t), options.Questions())
		wantCause(t, err, InvalidArgument)
	}
	longest := &ResizeOptions{Timeout: math.MaxInt64, Stall: math.MaxInt64, HostReserve: NoReserve}
	if _, err := domain.Resize(within(t), 2*GiB, longest); err != nil {
		t.Error(err)
	}
	_, err := domain.Resize(within(t), 3*GiB, &ResizeOptions{HostReserve: math.MaxInt64})
	wantCause(t, err, HostMemory)
}

func TestAHostThatCannotBeOpenedLeavesNothing(t *testing.T) {
	count := func() (receiving int) {
		receivers.Range(func(any, any) bool {
			receiving++
			return true
		})
		return receiving
	}
	before := count()
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: 0, Max: usual.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	_, err := Open("sim:", &HostOptions{LogLines: 1})
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	wantCause(t, err, NotPermitted)
	if after := count(); after != before {
		t.Errorf("%d receivers instead of %d", after, before)
	}
}

func TestWrongNamesFindNobody(t *testing.T) {
	host := open(t, "sim:", nil)
	for _, name := range []string{
		"", "0", "-1", "4294967296", "99999999999999999999", "../1", "%s%n", "demo-pv\n", "\xff\xfe",
		strings.Repeat("x", 1<<20),
	} {
		_, err := host.Find(within(t), name)
		wantCause(t, err, NoSuchDomain)
	}
	_, err := host.Find(within(t), "demo-pv\x00and more")
	wantCause(t, err, InvalidArgument)
}

func TestAnIdentityThatNobodyHasIsNoDomain(t *testing.T) {
	host := open(t, "sim:", nil)
	known := find(t, host, "demo-pv").Identity()
	another, unknown, unnamed, broken := known, known, known, known
	another.UUID = "00000000-0000-4000-8000-000000000000"
	unknown.ID = math.MaxUint32
	unnamed.Name = "a\x00b"
	broken.Type = 77
	for identity, cause := range map[Identity]Cause{
		another: NoSuchDomain, unknown: NoSuchDomain, unnamed: InvalidArgument, broken: InvalidArgument,
		{}: NoSuchDomain,
	} {
		_, err := host.Domain(identity).Status(within(t), nil)
		wantCause(t, err, cause)
		_, err = host.Domain(identity).Resize(within(t), 2*GiB, nil)
		if !errors.Is(err, DomainGone) { // it looks whether the domain has ended meanwhile
			wantCause(t, err, cause)
		}
	}
}

func TestWhatIsNilIsAnError(t *testing.T) {
	ctx := within(t)
	var domain *Domain
	var operation *Operation
	host := open(t, "sim:", nil)
	found := find(t, host, "demo-pv")
	var none context.Context
	for name, call := range map[string]func() error{
		"Status":       func() error { _, err := domain.Status(ctx, nil); return err },
		"Plan":         func() error { _, err := domain.Plan(ctx, GiB, nil); return err },
		"Doctor":       func() error { _, err := domain.Doctor(ctx, nil); return err },
		"Resize":       func() error { _, err := domain.Resize(ctx, GiB, nil); return err },
		"StartResize":  func() error { _, err := domain.StartResize(ctx, GiB, nil); return err },
		"Recover":      func() error { _, err := domain.Recover(ctx, nil); return err },
		"empty":        func() error { _, err := (&Domain{}).Status(ctx, nil); return err },
		"Wait":         func() error { _, err := operation.Wait(ctx); return err },
		"empty Wait":   func() error { _, err := (&Operation{}).Wait(ctx); return err },
		"no context":   func() error { _, err := found.Resize(none, GiB, nil); return err },
		"no context 2": func() error { _, err := host.Domains(none); return err },
		"no context 3": func() error { _, err := found.Status(none, nil); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s is no error", name)
		} else {
			wantCause(t, err, InvalidArgument)
		}
	}
	operation.Cancel()
	(&Operation{}).Cancel()
	<-operation.Done()
	for range operation.Events() {
		t.Error("nothing has an event")
	}
	if domain.String() != "" || operation.Domain() != (Identity{}) {
		t.Error("nothing has a name")
	}
}

// A lying agent can make a call fail, and nothing else.
func TestAgentsThatLieGetAnAnswerOrAnError(t *testing.T) {
	for _, agent := range []string{
		"killed", "garbage", "huge", "lying", "stale", "flooding", "deleting", "fleeting",
	} {
		agent := agent
		t.Run(agent, func(t *testing.T) {
			t.Parallel()
			host := simulate(t, `{"guests": [
				{"name": "odd", "type": "pv", "memory": "256MiB", "agent": "`+agent+`"}]}`, nil)
			domain := find(t, host, "odd")
			if status, err := domain.Status(within(t), nil); err == nil {
				if status.Allocated != 256*MiB || status.Target != 256*MiB {
					t.Errorf("%+v", status)
				}
			} else if !strings.HasPrefix(err.Error(), "odd") {
				t.Errorf("%v names no domain", err)
			}
			if _, err := domain.Doctor(within(t), nil); err != nil {
				t.Error(err)
			}
			report, err := domain.Resize(within(t), 512*MiB, nil)
			if err == nil && report.Reached != 512*MiB {
				t.Errorf("%+v", report)
			}
		})
	}
}
