// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// mute has eight guests whose agents announced themselves and do not answer any more.
func mute(pace int) string {
	guests := make([]string, 8)
	for each := range guests {
		guests[each] = fmt.Sprintf(`{"name": "g%d", "type": "pv", "agent": "killed"}`, each)
	}
	return fmt.Sprintf(`{"pace": %d, "guests": [%s]}`, pace, strings.Join(guests, ","))
}

func TestGuestsThatDoNotAnswerTakeTheTimeOfOneTogether(t *testing.T) {
	host := simulate(t, mute(10), nil) // one answer time is half a second
	begun := time.Now()
	all, err := host.StatusAll(within(t), nil)
	if spent := time.Since(begun); err != nil || len(all) != 8 || spent > 3*time.Second {
		t.Fatalf("%d guests in %v (%v)", len(all), spent, err)
	}
	for each, one := range all {
		if one.Domain.Name() != fmt.Sprint("g", each) || one.Err != nil || one.Status.Agent != nil {
			t.Errorf("%v: %+v (%v)", one.Domain, one.Status, one.Err)
		}
	}
}

func TestTheEndOfAContextEndsTheWaitForAllGuests(t *testing.T) {
	host := simulate(t, mute(1), nil)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		eventually(t, func() bool { return host.countUnderWay() == 8 })
	}()
	all, err := host.StatusAll(ctx, nil)
	if err != nil || len(all) != 8 {
		t.Fatalf("%d guests (%v)", len(all), err)
	}
	for _, one := range all {
		if !errors.Is(one.Err, Cancelled) || !errors.Is(one.Err, context.Canceled) {
			t.Errorf("%v: %v", one.Domain, one.Err)
		}
	}
	if _, err := host.StatusAll(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
