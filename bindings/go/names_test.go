// SPDX-License-Identifier: LGPL-2.1-or-later

package memctl

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// constant is a constant as the sources have it: its name, and the library's name for its value.
type constant struct{ ours, theirs string }

// constants are the constants of each type, in the order of the sources.
func constants(t *testing.T) map[string][]constant {
	t.Helper()
	program := func(file fs.FileInfo) bool { return !strings.HasSuffix(file.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), ".", program, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]constant{}
	ast.Inspect(packages["memctl"], func(node ast.Node) bool {
		spec, _ := node.(*ast.ValueSpec)
		if spec == nil || len(spec.Values) != 1 {
			return true
		}
		kind, _ := spec.Type.(*ast.Ident)
		value, _ := spec.Values[0].(*ast.SelectorExpr)
		if kind != nil && value != nil {
			found[kind.Name] = append(found[kind.Name], constant{spec.Names[0].Name, value.Sel.Name})
		}
		return true
	})
	return found
}

// plain is a name without what Go, C and JSON write differently.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// A number that the library gets and Go does not, or the other way round, fails here.
func TestTheNamesAreThoseOfTheLibrary(t *testing.T) {
	sources := constants(t)
	for kind, nameOf := range map[string]func(number int32) string{
		"Cause":      func(number int32) string { return Cause(number).Error() },
		"DomainType": func(number int32) string { return DomainType(number).String() },
		"Outcome":    func(number int32) string { return Outcome(number).String() },
		"Phase":      func(number int32) string { return Phase(number).String() },
		"Check":      func(number int32) string { return Check(number).String() },
		"Severity":   func(number int32) string { return Severity(number).String() },
		"ChangeKind": func(number int32) string { return ChangeKind(number).String() },
		"LogLevel":   func(number int32) string { return LogLevel(number).String() },
		"LineKind":   func(number int32) string { return LineKind(number).String() },
	} {
		prefix := strings.TrimSuffix(strings.TrimSuffix(kind, "Kind"), "Level")
		for number, constant := range sources[kind] {
			name := plain(strings.TrimPrefix(constant.ours, prefix))
			if library := plain(nameOf(int32(number))); library != name && constant.ours != "NoCause" {
				t.Errorf("%s %d is %q in the library, and %q here", kind, number, library, name)
			}
			if !strings.HasSuffix(plain(constant.theirs), name) {
				t.Errorf("%s has the value of %s", constant.ours, constant.theirs)
			}
		}
		if next := nameOf(int32(len(sources[kind]))); next != "unknown" || len(sources[kind]) < 3 {
			t.Errorf("the library has the %s %q, which is missing here", kind, next)
		}
	}
}

func TestANumberWithoutAMeaningHasAName(t *testing.T) {
	for _, name := range []fmt.Stringer{
		DomainType(-1), Outcome(99), Phase(99), Check(99), Severity(99), ChangeKind(99), LogLevel(99),
		LineKind(99),
	} {
		if name.String() != "unknown" {
			t.Errorf("%T is %q", name, name)
		}
	}
	if name := Cause(999).Error(); name != "unknown" {
		t.Errorf("a cause is %q", name)
	}
}
