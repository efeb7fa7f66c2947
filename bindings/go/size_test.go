// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import "testing"

func TestSizesAreReadAsXlReadsThem(t *testing.T) {
	for text, want := range map[string]Request{
		"4g":      4 * GiB,
		"4GiB":    4 * GiB,
		"512":     512 * MiB,
		"512 MiB": 512 * MiB,
		"1t":      TiB,
		"93k":     93 * KiB,
		"+1g":     Relative(GiB),
		"-512m":   Relative(-512 * MiB),
	} {
		size, err := ParseSize(text)
		if err != nil || size != want {
			t.Errorf("%q is %v (%v), not %v", text, size, err, want)
		}
	}
}

func TestWhatIsNoSizeIsRefusedWithTheFormsThatAre(t *testing.T) {
	for _, text := range []string{"", "g", "-1", "0", "1.5g", "4GB", "99999999999t", "ten", "4\xffg"} {
		_, err := ParseSize(text)
		if failure := wantCause(t, err, InvalidSize); failure.Hint == "" {
			t.Errorf("%q has no hint", text)
		}
	}
}

func TestSizesArePrintedAsMemctlPrintsThem(t *testing.T) {
	for _, each := range []struct {
		size Request
		want string
	}{
		{Size(0), "0 MiB"},
		{GiB, "1024 MiB"},
		{GiB - KiB, "1048575 KiB"},
		{Relative(GiB), "+1024 MiB"},
		{Relative(-3 * KiB), "-3 KiB"},
	} {
		if got := each.size.String(); got != each.want {
			t.Errorf("%q instead of %q", got, each.want)
		}
	}
}

func TestAPrintedSizeCanBeRead(t *testing.T) {
	for _, size := range []Request{GiB, GiB - KiB, Relative(GiB), Relative(-3 * KiB), TiB} {
		if again, err := ParseSize(size.String()); err != nil || again != size {
			t.Errorf("%v is read as %v (%v)", size, again, err)
		}
	}
}
