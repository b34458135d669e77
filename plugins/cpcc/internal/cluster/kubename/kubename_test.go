package kubename_test

import (
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"tradewind.example/plugins/cpcc/internal/cluster/kubename"
)

// dns1035 is the strictest rule for names: services'.
var dns1035 = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

func id() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9_-]{1,21}`) }

func TestNamesAreValidAndDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := id().Draw(t, "a"), id().Draw(t, "b")
		w := kubename.Workload(a)
		if !dns1035.MatchString(w) || len(w)+len("-pods") > 52 {
			t.Fatalf("workload %q has the name %q", a, w)
		}
		if ns := kubename.Namespace(a, b); !dns1035.MatchString(ns) || len(ns) > 63 {
			t.Fatalf("namespace %q", ns)
		}
		if (kubename.Workload(b) == w) != (a == b) || (kubename.Namespace(a, b) == kubename.Namespace(b, a)) != (a == b) {
			t.Fatalf("%q and %q: names do not tell them apart as they should", a, b)
		}
	})
}

func TestStrangeIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, id := range []string{"-AbC_1", "-abc_1", "-abc-1", "_abc-1", "9abc", "abc-", "abc", "ABC"} {
		name := kubename.Workload(id)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %q", id, other, name)
		}
		seen[name] = id
	}
	if kubename.Namespace("ab", "c") == kubename.Namespace("a", "bc") {
		t.Error("a letter moved from cluster to org makes no other namespace")
	}
	if kubename.Workload("V1StGXR8_Z5jdHi6B-myT") != "w6fidfb2anb3fm4vnvo6lez2s6l" {
		t.Errorf("names must never change: %q", kubename.Workload("V1StGXR8_Z5jdHi6B-myT"))
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"": "", "RTX5090-32G": "RTX5090-32G", "INTEL(R) XEON(R) PLATINUM 8582C": "INTEL-R--XEON-R--PLATINUM-8582C-",
	}
	for text, want := range cases {
		if got := kubename.Label(text); !strings.HasPrefix(got, want) || want == text && got != text {
			t.Errorf("%q became %q, want %q…", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		la, lb := kubename.Label(a), kubename.Label(b)
		if msgs := validation.IsValidLabelValue(la); len(msgs) > 0 {
			t.Fatalf("%q became %q: %v", a, la, msgs)
		}
		if (la == lb) != (a == b) {
			t.Fatalf("%q and %q became %q and %q", a, b, la, lb)
		}
	})
}
