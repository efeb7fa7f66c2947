// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"memctl"
)

func Example() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	ctx := context.Background()
	domain, err := host.Find(ctx, "demo-pv")
	if err != nil {
		log.Fatal(err)
	}
	report, err := domain.Resize(ctx, 4*memctl.GiB, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(domain, "has", report.Reached, report.Outcome)
	// Output: demo-pv has 4096 MiB verified
}

func ExampleHost_Domains() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	domains, err := host.Domains(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, domain := range domains {
		identity := domain.Identity()
		fmt.Println(identity.ID, identity.Name, identity.Type)
	}
	// Output:
	// 1 demo-pv pv
	// 2 demo-pvh pvh
	// 3 demo-hvm hvm
}

func ExampleHost_StatusAll() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	all, err := host.StatusAll(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range all {
		if one.Err != nil {
			fmt.Println(one.Err)
			continue
		}
		fmt.Println(one.Domain, one.Status.Target, one.Status.Agent.KernelRelease)
	}
	// Output:
	// demo-pv 1024 MiB 6.1.0-sim-amd64
	// demo-pvh 1024 MiB 6.1.0-sim-amd64
	// demo-hvm 1024 MiB 6.1.0-sim-amd64
}

func ExampleDomain_Plan() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	ctx := context.Background()
	domain, err := host.Find(ctx, "demo-pvh")
	if err != nil {
		log.Fatal(err)
	}
	plan, err := domain.Plan(ctx, memctl.Relative(2*memctl.GiB), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, stage := range plan.Stages {
		fmt.Println(stage.Size, "with", stage.Blocks, "blocks more")
	}
	// Output: 3072 MiB with 16 blocks more
}

// A context that ends restores the guest.
func ExampleDomain_Resize() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	domain, err := host.Find(context.Background(), "demo-pv")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = domain.Resize(ctx, memctl.Relative(-512*memctl.MiB), nil)
	switch {
	case err == nil:
		fmt.Println("done")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("too late, and restored")
	case errors.Is(err, memctl.BelowFloor):
		fmt.Println("the guest needs more")
	default:
		log.Fatal(err)
	}
	// Output: done
}

func ExampleDomain_StartResize() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	ctx := context.Background()
	domain, err := host.Find(ctx, "demo-pv")
	if err != nil {
		log.Fatal(err)
	}
	operation, err := domain.StartResize(ctx, 4*memctl.GiB, nil)
	if err != nil {
		log.Fatal(err)
	}
	phase := memctl.PhaseFacts
	for event := range operation.Events() {
		if event.Phase != phase {
			phase = event.Phase
			fmt.Println(phase, event.From, "->", event.To)
		}
	}
	report, err := operation.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Outcome)
	// Output:
	// reserve 1024 MiB -> 4096 MiB
	// online 1024 MiB -> 4096 MiB
	// populate 1024 MiB -> 4096 MiB
	// verify 1024 MiB -> 4096 MiB
	// verified
}

func ExampleHost_Watch() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	changes, err := host.Watch(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for change := range changes {
		fmt.Println(change.Domain.Name, change.Kind)
		if change.Domain.Name == "demo-hvm" {
			stop() // closes the channel
		}
	}
	// Output:
	// demo-pv appeared
	// demo-pvh appeared
	// demo-hvm appeared
}

func ExampleHost_Log() {
	host, err := memctl.Open("sim:", &memctl.HostOptions{LogLines: 100})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	domain, err := host.Find(ctx, "demo-pv")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := domain.Resize(ctx, 4*memctl.GiB, nil); err != nil {
		log.Fatal(err)
	}
	host.Close() // ends the log; a program that goes on reads it in a goroutine
	for line := range host.Log() {
		if line.Level >= memctl.LogInfo {
			fmt.Println(line.Level, line.Domain.Name, strings.Contains(line.Message, "verified"))
		}
	}
	// Output:
	// info demo-pv false
	// info demo-pv true
}

func ExampleError() {
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer host.Close()
	ctx := context.Background()
	domain, err := host.Find(ctx, "demo-pv")
	if err != nil {
		log.Fatal(err)
	}
	_, err = domain.Resize(ctx, 100*memctl.GiB, nil)
	fmt.Println(errors.Is(err, memctl.HostMemory))
	var failure *memctl.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Cause, failure.Report.Outcome)
		fmt.Println("the largest size works:", *failure.Nearest == failure.Range.Largest.Size)
	}
	// Output:
	// true
	// host_memory refused
	// the largest size works: true
}

func ExampleParseSize() {
	for _, text := range []string{"4g", "93 MiB", "-512m"} {
		size, err := memctl.ParseSize(text)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%T %v\n", size, size)
	}
	// Output:
	// memctl.Size 4096 MiB
	// memctl.Size 93 MiB
	// memctl.Relative -512 MiB
}
