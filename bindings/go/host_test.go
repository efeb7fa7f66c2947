// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestAHostThatCannotBeOpenedSaysWhy(t *testing.T) {
	file := t.TempDir() + "/host.json"
	if err := os.WriteFile(file, []byte(`{"guests": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct {
		uri     string
		options *HostOptions
	}{
		{"", nil},
		{"vmware:", nil},
		{"sim:\x00", nil},
		{"sim:/no/such/file", nil},
		{"sim:" + file, nil},
		{"sim:", &HostOptions{LogLines: -1}},
		{"sim:", &HostOptions{LogLines: 1 << 40}},
		{"sim:", &HostOptions{Policy: Policy{HostReserve: -1}}},
		{"sim:", &HostOptions{Policy: Policy{Domains: []DomainPolicy{{}}}}},
		{"sim:", &HostOptions{Policy: Policy{Domains: []DomainPolicy{{Name: "a\x00b"}}}}},
	} {
		host, err := Open(each.uri, each.options)
		wantCause(t, err, InvalidArgument)
		if host != nil {
			t.Errorf("%q is a host", each.uri)
		}
	}
}

func TestAHostListsAndFindsItsGuests(t *testing.T) {
	host := open(t, "sim:", nil)
	domains, err := host.Domains(within(t))
	if err != nil || len(domains) != 3 {
		t.Fatalf("%v (%v)", domains, err)
	}
	if first := domains[0].Identity(); first.ID != 1 || first.Name != "demo-pv" || first.Type != PV ||
		first.UUID == "" {
		t.Errorf("%+v", first)
	}
	if byNumber := find(t, host, "2"); byNumber.Identity() != domains[1].Identity() {
		t.Errorf("%+v instead of %+v", byNumber, domains[1])
	}
	if known := host.Domain(domains[2].Identity()); known.String() != "demo-hvm" {
		t.Errorf("%v", known)
	}
	_, err = host.Find(within(t), "nobody")
	wantCause(t, err, NoSuchDomain)
}

func TestTheDoctorLooksAtTheHost(t *testing.T) {
	findings, err := open(t, "sim:", nil).Doctor(within(t), &QuestionOptions{HostReserve: TiB})
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		if finding.Check == CheckHostReserve {
			if finding.Severity != SeverityBad || finding.Message == "" {
				t.Errorf("%+v", finding)
			}
			return
		}
	}
	t.Errorf("no finding about the reserve in %+v", findings)
}

func TestAPolicyBoundsTheSizesAndAWrongOneChangesNothing(t *testing.T) {
	bounds := Policy{Domains: []DomainPolicy{{Name: "demo-*", Minimum: 512 * MiB, Maximum: 2 * GiB}}}
	host := open(t, "sim:", &HostOptions{Policy: bounds})
	domain := find(t, host, "demo-pv")
	_, err := domain.Resize(within(t), 3*GiB, nil)
	if failure := wantCause(t, err, AbovePolicy); *failure.Nearest != 2*GiB {
		t.Errorf("the nearest is %v", *failure.Nearest)
	}
	_, err = domain.Resize(within(t), 256*MiB, nil)
	wantCause(t, err, BelowPolicy)

	for _, wrong := range []*Policy{
		{HostReserve: -5},
		{Domains: []DomainPolicy{{Name: "x", Minimum: 2, Maximum: 1}}},
		{Domains: []DomainPolicy{{Name: "x\x00"}}},
	} {
		wantCause(t, host.SetPolicy(wrong), InvalidArgument)
	}
	_, err = domain.Plan(within(t), 3*GiB, nil)
	wantCause(t, err, AbovePolicy)
	if err := host.SetPolicy(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := domain.Plan(within(t), 3*GiB, nil); err != nil {
		t.Error(err)
	}
}

func TestTheLogHasWhatTheHostDid(t *testing.T) {
	host := open(t, "sim:", &HostOptions{LogLines: 100})
	domain := find(t, host, "demo-pv")
	if _, err := domain.Resize(within(t), 2*GiB, nil); err != nil {
		t.Fatal(err)
	}
	host.Close()
	var last LogLine
	for line := range host.Log() {
		if line.Lost != 0 {
			t.Errorf("%d lines are lost", line.Lost)
		}
		last = line
	}
	if last.Level != LogInfo || *last.Domain != domain.Identity() ||
		!strings.Contains(last.Message, "1024 MiB -> 2048 MiB") {
		t.Errorf("%+v", last)
	}
	if last.Kind != LineResizeEnded || last.Report == nil || last.Report.Reached != 2*GiB {
		t.Errorf("%v: %+v", last.Kind, last.Report)
	}
}

func TestALogThatNobodyReadsKeepsTheNewestLinesAndCountsTheOthers(t *testing.T) {
	log, err := newLogQueue(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"a", "b", "c", "d", "e"} {
		log.put(LogLine{Message: message})
	}
	log.close()
	lost, messages := 0, ""
	for line := range log.lines {
		lost += line.Lost
		messages += line.Message
	}
	if lost != 3 || messages != "de" {
		t.Errorf("%d lost before %q", lost, messages)
	}
}

func TestWithoutTheOptionThereIsNoLog(t *testing.T) {
	if _, open := <-open(t, "sim:", nil).Log(); open {
		t.Error("there is a log")
	}
}

func TestACloseWaitsUntilGuestsAreRestored(t *testing.T) {
	host := simulate(t, slow, nil)
	operation := growSlowly(t, host)
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-operation.Done():
	default:
		t.Fatal("it was closed while a resize was under way")
	}
	_, err := operation.Wait(within(t))
	failure := wantCause(t, err, Cancelled)
	if failure.Report.Outcome != OutcomeRestored || failure.Report.Reached != GiB {
		t.Errorf("%+v", failure.Report)
	}
}

func TestAfterCloseEveryCallSaysSo(t *testing.T) {
	host, err := Open("sim:", nil)
	if err != nil {
		t.Fatal(err)
	}
	domain := find(t, host, "demo-pv")
	changes, err := host.Watch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for each := 0; each < 2; each++ {
		if err := host.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range changes { // it is closed, whatever waited
	}
	ctx := within(t)
	for name, call := range map[string]func() error{
		"Domains":     func() error { _, err := host.Domains(ctx); return err },
		"Find":        func() error { _, err := host.Find(ctx, "1"); return err },
		"Doctor":      func() error { _, err := host.Doctor(ctx, nil); return err },
		"Watch":       func() error { _, err := host.Watch(ctx); return err },
		"SetPolicy":   func() error { return host.SetPolicy(nil) },
		"Status":      func() error { _, err := domain.Status(ctx, nil); return err },
		"Plan":        func() error { _, err := domain.Plan(ctx, GiB, nil); return err },
		"Resize":      func() error { _, err := domain.Resize(ctx, GiB, nil); return err },
		"StartResize": func() error { _, err := domain.StartResize(ctx, GiB, nil); return err },
		"Recover":     func() error { _, err := domain.Recover(ctx, nil); return err },
		"doctor":      func() error { _, err := domain.Doctor(ctx, nil); return err },
	} {
		if err := call(); !errors.Is(err, ErrClosed) || !errors.Is(err, InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Goroutines that use a host until it is closed under their hands.
func TestAHostMayBeClosedWhileOthersUseIt(t *testing.T) {
	before := runtime.NumGoroutine()
	descriptors := openDescriptors(t)
	host, err := Open("sim:", &HostOptions{LogLines: 3})
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	var users sync.WaitGroup
	used := make(chan struct{}, 100)
	for each := 0; each < 16; each++ {
		users.Add(1)
		go func(each int) {
			defer users.Done()
			for size := 2 * GiB; ; size += GiB {
				domains, err := host.Domains(ctx)
				if err == nil {
					_, err = domains[each%3].Status(ctx, nil)
				}
				if err == nil {
					_, err = host.Watch(ctx)
				}
				if err == nil {
					_, err = domains[each%3].Resize(ctx, 2*GiB, nil)
				}
				if errors.Is(err, ErrClosed) {
					return
				}
				select {
				case used <- struct{}{}:
				default:
				}
			}
		}(each)
	}
	for each := 0; each < cap(used); each++ {
		<-used
	}
	var closers sync.WaitGroup
	for each := 0; each < 4; each++ {
		closers.Add(1)
		go func() { defer closers.Done(); host.Close() }()
	}
	closers.Wait()
	users.Wait()
	eventually(t, func() bool { return runtime.NumGoroutine() <= before })
	if now := openDescriptors(t); now != descriptors {
		t.Errorf("%d descriptors became %d", descriptors, now)
	}
}

func TestAHostThatCannotBeOpenedLeavesNothingBehind(t *testing.T) {
	before, descriptors := runtime.NumGoroutine(), openDescriptors(t)
	for each := 0; each < 50; each++ {
		if _, err := Open("vmware:", &HostOptions{LogLines: 5}); err == nil {
			t.Fatal("it was opened")
		}
	}
	if now := openDescriptors(t); now != descriptors {
		t.Errorf("%d descriptors became %d", descriptors, now)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines became %d", before, now)
	}
	receivers.Range(func(number, receiver any) bool {
		t.Errorf("%v (%T) is left", number, receiver)
		return true
	})
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestANilHostIsAnError(t *testing.T) {
	for _, host := range []*Host{nil, {}} {
		wantCause(t, host.Close(), InvalidArgument)
		wantCause(t, host.SetPolicy(nil), InvalidArgument)
		_, err := host.Domains(context.Background())
		wantCause(t, err, InvalidArgument)
		_, err = host.Domain(Identity{}).Status(context.Background(), nil)
		wantCause(t, err, InvalidArgument)
		if _, open := <-host.Log(); open {
			t.Error("it has a log")
		}
	}
}
