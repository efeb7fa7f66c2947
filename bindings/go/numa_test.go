// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"reflect"
	"testing"
)

const twoNodes = `{"host": "8GiB", "numa_nodes": 2, "guests": [
	{"name": "g", "type": "pv", "memory": "1GiB", "numa_nodes": [1]}]}`

func TestNumaIsForetoldBoundedAndEstimated(t *testing.T) {
	host := simulate(t, twoNodes, nil)
	domain := find(t, host, "g")
	plan, err := domain.Plan(within(t), 2*GiB, nil)
	if err != nil || !reflect.DeepEqual(plan.NumaForecast.Nodes, []int{1}) ||
		*plan.NumaForecast.Local != GiB {
		t.Fatalf("%+v (%v)", plan, err)
	}
	local := &ResizeOptions{Numa: NumaLocal}
	_, err = domain.Plan(within(t), 5*GiB, local.Questions())
	wantCause(t, err, HostMemory)
	_, err = domain.Resize(within(t), 5*GiB, local)
	wantCause(t, err, HostMemory)
	report, err := domain.Resize(within(t), 2*GiB, local)
	if err != nil {
		t.Fatal(err)
	}
	estimate := report.NumaEstimate
	if *estimate.Local != GiB || !reflect.DeepEqual(estimate.Changes, []NodeChange{{0, 0}, {1, -GiB}}) {
		t.Errorf("%+v", estimate)
	}
	status, err := domain.Status(within(t), nil)
	if err != nil || status.NumaForecast == nil || *status.NumaForecast.Local <= 0 {
		t.Errorf("%+v (%v)", status, err)
	}
	if err := host.SetPolicy(&Policy{Numa: NumaLocal}); err != nil {
		t.Fatal(err)
	}
	_, err = domain.Plan(within(t), 5*GiB, nil)
	wantCause(t, err, HostMemory)
	one := find(t, open(t, "sim:", nil), "demo-pv")
	if plan, err := one.Plan(within(t), 2*GiB, local.Questions()); err != nil || plan.NumaForecast != nil {
		t.Errorf("%+v (%v)", plan, err)
	}
}
