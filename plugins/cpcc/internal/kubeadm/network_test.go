package kubeadm_test

import (
	"testing"

	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/sdk/fault"
)

func TestCheckNetwork(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, reason string
		ok           bool
	}{
		"None":      {"", "a network may be applied by somebody else", true},
		"One":       {"apiVersion: v1\nkind: Namespace\nmetadata: {name: net}\n", "an object", true},
		"Several":   {"# of the author\n---\napiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n", "objects after comments", true},
		"JSON":      {`{"apiVersion":"v1","kind":"List","items":[]}`, "kubectl takes JSON as well", true},
		"Comments":  {"# nothing\n", "nothing would be applied", false},
		"Address":   {"https://net.example/manifest.yaml", "nothing is downloaded", false},
		"NoKind":    {"apiVersion: v1\n", "no object of Kubernetes", false},
		"NoVersion": {"kind: A\n", "no object of Kubernetes", false},
		"Second":    {"apiVersion: v1\nkind: A\n---\nkind: B\n", "every object is looked at", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := kubeadm.CheckNetwork("spec.network", tc.text)
			if (err == nil) != tc.ok || err != nil && !fault.Is(err, fault.ClassInvalid) {
				t.Errorf("%v; %s", err, tc.reason)
			}
		})
	}
}
