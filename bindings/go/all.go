// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"errors"
	"sync"
)

// StatusResult is a guest with its status, or with the error that came instead: one of both is nil.
type StatusResult struct {
	Domain *Domain
	Status *Status
	Err    error
}

// StatusAll asks all guests at once, by number. Guests whose agents do not answer take 5 s together. A
// guest that ends meanwhile is left out. Nil options are the defaults.
//
// Blocks like [Domain.Status] of one guest. If the context ends, the wait ends at once: guests that
// have not answered have an error in which [errors.Is] finds [Cancelled]. Errors: those of Domains.
func (h *Host) StatusAll(ctx context.Context, options *QuestionOptions) ([]StatusResult, error) {
	domains, err := h.Domains(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]StatusResult, len(domains))
	var asked sync.WaitGroup
	for each, domain := range domains {
		asked.Add(1)
		go func(each int, domain *Domain) {
			defer asked.Done()
			status, err := domain.Status(ctx, options)
			all[each] = StatusResult{domain, status, err}
		}(each, domain)
	}
	asked.Wait()
	running := all[:0]
	for _, one := range all {
		if !errors.Is(one.Err, NoSuchDomain) {
			running = append(running, one)
		}
	}
	return running, nil
}
