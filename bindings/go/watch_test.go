// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"context"
	"reflect"
	"testing"
)

func TestAWatchTellsOfGuestsThatComeGoAndChange(t *testing.T) {
	host := simulate(t, `{"pace": 1000, "guests": [
		{"name": "stays", "type": "pv", "memory": "256MiB"},
		{"name": "ends", "type": "pv", "memory": "256MiB"}],
		"actions": [{"at": 1000, "do": "destroy", "guest": "ends"}]}`, nil)
	ctx, stop := context.WithCancel(within(t))
	changes, err := host.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]ChangeKind{}
	tell := func() {
		change, open := <-changes
		if !open {
			t.Fatalf("the watch ended after %v", told)
		}
		told[change.Domain.Name] = append(told[change.Domain.Name], change.Kind)
	}
	for len(told) < 2 {
		tell()
	}
	if _, err := find(t, host, "stays").Resize(ctx, 512*MiB, nil); err != nil {
		t.Fatal(err)
	}
	for len(told["ends"]) < 2 || len(told["stays"]) < 2 {
		tell()
	}
	if first := told["stays"]; first[0] != ChangeAppeared || first[1] != ChangeChanged {
		t.Errorf("%v", first)
	}
	if want := []ChangeKind{ChangeAppeared, ChangeEnded}; !reflect.DeepEqual(told["ends"], want) {
		t.Errorf("%v", told["ends"])
	}
	stop()
	for range changes { // ends, because the watch does
	}
}

func TestWhatWaitsForASlowReaderIsTheSumOfTheChanges(t *testing.T) {
	guest := func(id uint32, name string) Identity { return Identity{ID: id, Name: name, UUID: "u"} }
	appeared := func(id uint32, name string) Change { return Change{ChangeAppeared, guest(id, name)} }
	changed := func(id uint32, name string) Change { return Change{ChangeChanged, guest(id, name)} }
	ended := func(id uint32, name string) Change { return Change{ChangeEnded, guest(id, name)} }
	for _, each := range []struct{ told, want []Change }{
		{[]Change{appeared(1, "a"), appeared(2, "b")}, []Change{appeared(1, "a"), appeared(2, "b")}},
		{[]Change{appeared(1, "a"), changed(1, "b")}, []Change{appeared(1, "b")}},
		{[]Change{appeared(1, "a"), appeared(2, "b"), ended(1, "a")}, []Change{appeared(2, "b")}},
		{[]Change{changed(1, "a"), changed(1, "b")}, []Change{changed(1, "b")}},
		{[]Change{changed(1, "a"), changed(2, "b"), ended(1, "a")},
			[]Change{changed(2, "b"), ended(1, "a")}},
		{[]Change{ended(1, "a"), appeared(3, "a")}, []Change{ended(1, "a"), appeared(3, "a")}},
	} {
		var waiting []Change
		for _, change := range each.told {
			waiting = add(waiting, change)
		}
		if !reflect.DeepEqual(waiting, each.want) {
			t.Errorf("%v became %v", each.told, waiting)
		}
	}
}

func TestAReaderThatHasGoneHoldsUpNobody(t *testing.T) {
	host := open(t, "sim:", nil)
	if _, err := host.Watch(within(t)); err != nil { // whose channel nobody reads
		t.Fatal(err)
	}
	domain := find(t, host, "demo-pv")
	for _, size := range []Size{2 * GiB, GiB, 3 * GiB} {
		if _, err := domain.Resize(within(t), size, nil); err != nil {
			t.Fatal(err)
		}
	}
}
