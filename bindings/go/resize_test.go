// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAResizeIsVerifiedInThreeLayers(t *testing.T) {
	host := open(t, "sim:", nil)
	for _, each := range []struct {
		guest string
		size  Request
		want  Size
	}{
		{"demo-pv", 2 * GiB, 2 * GiB},
		{"demo-pv", Relative(-512 * MiB), 1536 * MiB},
		{"demo-pvh", Relative(GiB), 2 * GiB},
	} {
		report, err := find(t, host, each.guest).Resize(within(t), each.size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if report.Outcome != OutcomeVerified || report.Cause != NoCause || !report.Verified.All() ||
			report.Reached != each.want || report.Requested != each.want ||
			report.Domain.Name != each.guest || len(report.Phases) == 0 || report.Elapsed <= 0 {
			t.Errorf("%+v", report)
		}
		status, err := find(t, host, each.guest).Status(within(t), nil)
		if err != nil || status.Allocated < each.want || status.Target != each.want ||
			*status.ReportedTotal >= each.want || status.Agent.Version == "" ||
			status.Range.Smallest.Size >= each.want || (status.Pool == nil) != (each.guest == "demo-pv") {
			t.Errorf("%+v (%v)", status, err)
		}
	}
}

func TestARefusalHasTheSizesThatWouldWork(t *testing.T) {
	domain := find(t, open(t, "sim:", nil), "demo-pvh")
	for _, call := range []func() error{
		func() error { _, err := domain.Plan(within(t), TiB, nil); return err },
		func() error { _, err := domain.Resize(within(t), TiB, nil); return err },
	} {
		failure := wantCause(t, call(), HostMemory)
		if errors.Is(failure, PagingPool) || failure.Nearest == nil || failure.Range == nil ||
			*failure.Nearest != failure.Range.Largest.Size ||
			failure.Range.Largest.Cause != HostMemory || failure.Range.Largest.Reason == "" {
			t.Errorf("%+v", failure)
		}
		if plan, err := domain.Plan(within(t), *failure.Nearest, nil); err != nil || len(plan.Stages) == 0 {
			t.Errorf("the nearest size is refused: %v", err)
		}
	}
}

func TestAPlanOfThePresentSizeHasNoStages(t *testing.T) {
	plan, err := find(t, open(t, "sim:", nil), "demo-pv").Plan(within(t), GiB, nil)
	if err != nil || len(plan.Stages) != 0 || plan.From != GiB || plan.To != GiB {
		t.Errorf("%+v (%v)", plan, err)
	}
}

func TestThePlanOfAResizeTakesTheOptionsOfTheResize(t *testing.T) {
	domain := find(t, open(t, "sim:", nil), "demo-pv")
	options := &ResizeOptions{Agentless: true, HostReserve: 60 * GiB}
	_, err := domain.Plan(within(t), 4*GiB, options.Questions())
	planned := wantCause(t, err, HostMemory)
	_, err = domain.Resize(within(t), 4*GiB, options)
	if resized := wantCause(t, err, HostMemory); resized.Message != planned.Message {
		t.Errorf("%q is not %q", resized.Message, planned.Message)
	}
	if _, err := domain.Plan(within(t), 4*GiB, (*ResizeOptions)(nil).Questions()); err != nil {
		t.Error(err)
	}
	none := &ResizeOptions{HostReserve: NoReserve}
	plan, err := domain.Plan(within(t), 4*GiB, none.Questions())
	if err != nil || plan.HostReserve != 0 {
		t.Errorf("%+v (%v)", plan, err)
	}
}

func TestMovableMemoryIsBoundedUnlessItIsForced(t *testing.T) {
	domain := find(t, open(t, "sim:", nil), "demo-pv")
	options := &ResizeOptions{Online: ZoneMovable}
	_, err := domain.Plan(within(t), 32*GiB, options.Questions())
	wantCause(t, err, GuestMemmap)
	_, err = domain.Resize(within(t), 32*GiB, options)
	wantCause(t, err, GuestMemmap)
	options.ForceMovable = true
	plan, err := domain.Plan(within(t), 32*GiB, options.Questions())
	if err != nil || plan.NoWayBack != "" {
		t.Errorf("%+v (%v)", plan, err)
	}
	if _, err = domain.Resize(within(t), 32*GiB, options); err != nil {
		t.Error(err)
	}
}

func TestEventsTellThePhasesInTheirOrder(t *testing.T) {
	operation, err := find(t, open(t, "sim:", nil), "demo-pv").StartResize(within(t), 2*GiB, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := Event{}
	for event := range operation.Events() {
		if event.Phase < last.Phase || event.Elapsed < last.Elapsed {
			t.Errorf("%+v after %+v", event, last)
		}
		last = event
	}
	if last.Phase != PhaseVerify || last.From != GiB || last.To != 2*GiB {
		t.Errorf("the last is %+v", last)
	}
	<-operation.Done()
	report, err := operation.Wait(within(t))
	if err != nil || operation.Domain() != report.Domain {
		t.Errorf("%+v (%v)", report, err)
	}
	operation.Cancel() // too late: does nothing
	if again, err := operation.Wait(within(t)); again != report || err != nil {
		t.Errorf("%+v (%v) the second time", again, err)
	}
}

func TestEventsThatNobodyReadsHoldUpNobody(t *testing.T) {
	host := simulate(t, `{"pace": 20, "guests": [
		{"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "128MiB"}]}`, nil)
	operation, err := find(t, host, "g").StartResize(within(t), 4*GiB, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operation.Wait(within(t)); err != nil {
		t.Fatal(err)
	}
	var newest Event
	count := 0
	for event := range operation.Events() {
		newest = event
		count++
	}
	if count != eventsWaiting || newest.Phase != PhaseVerify {
		t.Errorf("%d events wait, the last of them %+v", count, newest)
	}
}

// endable is a context that a test ends, with the error of its choice.
type endable struct {
	context.Context
	done chan struct{}
	err  error
}

func (e *endable) Done() <-chan struct{} { return e.done }
func (e *endable) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}

// The same end, whether the context is cancelled or its time is over, and however it is waited for.
func TestTheEndOfAContextRestoresTheGuest(t *testing.T) {
	resize := func(ctx context.Context, domain *Domain) error {
		_, err := domain.Resize(ctx, 2*GiB, nil)
		return err
	}
	start := func(ctx context.Context, domain *Domain) error {
		operation, err := domain.StartResize(ctx, 2*GiB, nil)
		if err == nil {
			_, err = operation.Wait(context.Background())
		}
		return err
	}
	waitWithTheSame := func(ctx context.Context, domain *Domain) error {
		operation, err := domain.StartResize(ctx, 2*GiB, nil)
		if err == nil {
			_, err = operation.Wait(ctx)
		}
		return err
	}
	for name, resize := range map[string]func(context.Context, *Domain) error{
		"Resize": resize, "StartResize": start, "Wait with the same": waitWithTheSame,
	} {
		for _, why := range []error{context.Canceled, context.DeadlineExceeded} {
			resize, why := resize, why
			t.Run(name+", "+why.Error(), func(t *testing.T) {
				t.Parallel()
				host := simulate(t, slow, &HostOptions{LogLines: 100})
				ctx := &endable{context.Background(), make(chan struct{}), why}
				go func() {
					for line := range host.Log() {
						if strings.Contains(line.Message, "populate") {
							close(ctx.done) // memory moves
							return
						}
					}
				}()
				err := resize(ctx, find(t, host, "slow"))
				failure := wantCause(t, err, Cancelled)
				if !errors.Is(err, why) || errors.Is(err, Deadline) {
					t.Errorf("%v is no %v", err, why)
				}
				if report := failure.Report; report.Outcome != OutcomeRestored ||
					report.Cause != Cancelled || report.Reached != GiB || report.Limit != GiB {
					t.Errorf("%+v", report)
				}
			})
		}
	}
}

func TestCancelRestoresTheGuestAndNoContextIsBlamed(t *testing.T) {
	operation := growSlowly(t, simulate(t, slow, nil))
	operation.Cancel()
	_, err := operation.Wait(within(t))
	failure := wantCause(t, err, Cancelled)
	if failure.Report.Outcome != OutcomeRestored || errors.Is(err, context.Canceled) {
		t.Errorf("%+v", failure)
	}
}

func TestTheContextOfAWaitEndsTheWaitAlone(t *testing.T) {
	operation := growSlowly(t, simulate(t, slow, nil))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := operation.Wait(ctx)
	if failure := wantCause(t, err, Cancelled); failure.Report != nil || !errors.Is(err, ctx.Err()) {
		t.Errorf("%+v", failure)
	}
	select {
	case <-operation.Done():
		t.Error("the resize ended, too")
	default:
	}
	operation.Cancel()
	<-operation.Done()
	if _, err := operation.Wait(ctx); errors.Is(err, context.Canceled) {
		t.Errorf("the end of the resize does not count: %v", err)
	}
}

func TestAContextThatHasEndedBeginsNothing(t *testing.T) {
	host := open(t, "sim:", &HostOptions{LogLines: 10})
	domain := find(t, host, "demo-pv")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, call := range map[string]func() error{
		"Domains": func() error { _, err := host.Domains(ctx); return err },
		"Watch":   func() error { _, err := host.Watch(ctx); return err },
		"Status":  func() error { _, err := domain.Status(ctx, nil); return err },
		"Resize":  func() error { _, err := domain.Resize(ctx, 2*GiB, nil); return err },
		"Recover": func() error { _, err := domain.Recover(ctx, nil); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || !errors.Is(err, Cancelled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	host.Close()
	for line := range host.Log() {
		t.Errorf("something began: %+v", line)
	}
}

func TestTheEndOfAContextEndsTheWaitForAGuestThatDoesNotAnswer(t *testing.T) {
	host := simulate(t, `{"pace": 5, "guests": [{"name": "mute", "type": "pv", "agent": "killed"}]}`, nil)
	domain := find(t, host, "mute")
	for name, call := range map[string]func(context.Context) error{
		"Status": func(ctx context.Context) error { _, err := domain.Status(ctx, nil); return err },
		"Doctor": func(ctx context.Context) error { _, err := domain.Doctor(ctx, nil); return err },
		"Plan":   func(ctx context.Context) error { _, err := domain.Plan(ctx, GiB, nil); return err },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		before := host.countUnderWay()
		go func() {
			defer cancel()
			eventually(t, func() bool { return host.countUnderWay() > before })
		}()
		if err := call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, Cancelled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTimeoutOfAResizeIsNotItsContext(t *testing.T) {
	domain := find(t, simulate(t, slow, nil), "slow")
	_, err := domain.Resize(within(t), 2*GiB, &ResizeOptions{Timeout: 300 * time.Millisecond})
	failure := wantCause(t, err, Deadline)
	if errors.Is(err, Cancelled) || errors.Is(err, context.DeadlineExceeded) ||
		failure.Report.Outcome != OutcomeRestored {
		t.Errorf("%+v", failure.Report)
	}
}

func TestKeepKeepsWhatWasReached(t *testing.T) {
	domain := find(t, simulate(t, slow, nil), "slow")
	options := &ResizeOptions{Timeout: 1500 * time.Millisecond, OnFailure: Keep}
	_, err := domain.Resize(within(t), 2*GiB, options)
	failure := wantCause(t, err, Deadline)
	if failure.Report.Outcome != OutcomeKept || failure.Report.Reached <= GiB {
		t.Errorf("%+v", failure.Report)
	}
}

func TestAShortTimeIsNotTheDefaultTime(t *testing.T) {
	for given, want := range map[time.Duration]int64{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, -1: -1, time.Hour: 3600_000,
	} {
		if got := int64(milliseconds(given)); got != want {
			t.Errorf("%v is %d ms", given, got)
		}
	}
}

func TestRecoverRestoresWhatADeadProcessLeft(t *testing.T) {
	domain := find(t, open(t, "sim:", nil), "demo-pv")
	recovery, err := domain.Recover(within(t), &QuestionOptions{HostReserve: GiB})
	if err != nil || recovery.Report != nil || recovery.UnknownClaim != 0 {
		t.Errorf("%+v (%v)", recovery, err)
	}
}

func TestTheDoctorOfAGuestFindsThatItsAgentIsAbsent(t *testing.T) {
	host := simulate(t, `{"guests": [{"name": "old", "type": "pv", "agent": "absent"}]}`, nil)
	findings, err := find(t, host, "old").Doctor(within(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		if finding.Check == CheckAgent && finding.Severity == SeverityBad && finding.Remedy != "" {
			return
		}
	}
	t.Errorf("%+v", findings)
}
