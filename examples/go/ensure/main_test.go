// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"context"
	"errors"
	"testing"

	"memctl"
)

func TestTheSecondTimeNothingIsToDo(t *testing.T) {
	ctx := context.Background()
	host, err := memctl.Open("sim:", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	for _, name := range []string{"demo-pv", "demo-pvh"} {
		domain, err := host.Find(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range []struct {
			size    memctl.Size
			changed bool
		}{
			{2 * memctl.GiB, true},
			{2 * memctl.GiB, false},
			{memctl.GiB, true},
			{memctl.GiB, false},
		} {
			changed, err := ensure(ctx, domain, each.size)
			if err != nil || changed != each.changed {
				t.Errorf("%v to %v: changed is %v (%v)", domain, each.size, changed, err)
			}
		}
		_, err = ensure(ctx, domain, memctl.TiB)
		var failure *memctl.Error
		if !errors.As(err, &failure) || failure.Nearest == nil {
			t.Errorf("%v to a TiB: %v", domain, err)
		}
	}
}
