// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// many is how many guests there are, and mostThreads how many threads the process may have for them:
// the host's, and those of Go.
const (
	many        = 1000
	mostThreads = 30
)

func threads(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// forAll calls do for each domain, each in a goroutine.
func forAll(domains []*Domain, do func(*Domain)) {
	var all sync.WaitGroup
	for _, domain := range domains {
		all.Add(1)
		go func(domain *Domain) { defer all.Done(); do(domain) }(domain)
	}
	all.Wait()
}

func TestAThousandResizesAtOnceNeedFewThreads(t *testing.T) {
	guests := make([]string, many)
	for each := range guests {
		guests[each] = fmt.Sprintf(`{"name": "g%d", "type": "pv", "memory": "128MiB"}`, each)
	}
	host := simulate(t, `{"host": "1TiB", "pace": 1, "guests": [`+strings.Join(guests, ",")+`]}`, nil)
	ctx := within(t)
	domains, err := host.Domains(ctx)
	if err != nil || len(domains) != many {
		t.Fatalf("%d domains (%v)", len(domains), err)
	}
	forAll(domains, func(domain *Domain) { // calls that block in the library
		if found, err := host.Find(ctx, domain.Name()); err != nil || found.Identity() != domain.Identity() {
			t.Errorf("%v: %v (%v)", domain, found, err)
		}
	})

	most := 0
	resizeAll := func(ctx context.Context, size Size, whenAllAreUnderWay func()) (ends []error) {
		operations := make(chan *Operation, many)
		forAll(domains, func(domain *Domain) {
			operation, err := domain.StartResize(ctx, size, nil)
			if err != nil {
				t.Errorf("%v: %v", domain, err)
				return
			}
			operations <- operation
		})
		close(operations)
		if underWay := host.countUnderWay(); underWay < many*9/10 {
			t.Errorf("only %d resizes are under way at once", underWay)
		}
		whenAllAreUnderWay()
		for operation := range operations {
			<-operation.Done()
			_, err := operation.Wait(ctx)
			ends = append(ends, err)
			if now := threads(t); now > most {
				most = now
			}
		}
		return ends
	}
	for _, err := range resizeAll(ctx, 192*MiB, func() {}) {
		if err != nil {
			t.Error(err)
		}
	}
	ending, end := context.WithCancel(ctx)
	for _, err := range resizeAll(ending, 128*MiB, end) { // one context ends for all of them
		if !errors.Is(err, Cancelled) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	t.Logf("there were %d threads at most", most)
	if most > mostThreads {
		t.Error("these are too many")
	}
}
