// SPDX-License-Identifier: LGPL-2.1-or-later

// Ensure brings a guest to a size if it does not have it already, as a provider of Terraform's would:
//
//	ensure xen: web1 4g
//
// It may be run again and again. Ctrl-C restores the guest.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"memctl"
)

// ensure tells whether it changed anything.
func ensure(ctx context.Context, domain *memctl.Domain, size memctl.Size) (changed bool, err error) {
	plan, err := domain.Plan(ctx, size, nil)
	if err != nil {
		return false, err
	}
	if len(plan.Stages) == 0 {
		return false, nil
	}
	fmt.Printf("%v: %v -> %v, stages: %d\n", domain, plan.From, plan.To, len(plan.Stages))
	_, err = domain.Resize(ctx, size, nil)
	return err == nil, err
}

func run(ctx context.Context, uri, name, text string) error {
	size, err := memctl.ParseSize(text)
	if err != nil {
		return err
	}
	wanted, ok := size.(memctl.Size)
	if !ok {
		return fmt.Errorf("%v is relative, and nobody can ensure that", size)
	}
	host, err := memctl.Open(uri, nil)
	if err != nil {
		return err
	}
	defer host.Close()
	domain, err := host.Find(ctx, name)
	if err != nil {
		return err
	}
	changed, err := ensure(ctx, domain, wanted)
	if err == nil && changed {
		fmt.Printf("%v has %v now\n", domain, wanted)
	} else if err == nil {
		fmt.Printf("%v has %v already\n", domain, wanted)
	}
	return err
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: ensure HOST DOMAIN SIZE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3])
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	var failure *memctl.Error
	if errors.As(err, &failure) && failure.Nearest != nil {
		fmt.Fprintln(os.Stderr, "the nearest size that works is", failure.Nearest)
	}
	os.Exit(1)
}
