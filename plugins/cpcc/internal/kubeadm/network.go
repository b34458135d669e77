package kubeadm

import (
	"errors"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"tradewind.example/sdk/fault"
)

// lookahead is how much of a manifest is read to tell JSON from YAML.
const lookahead = 4096

// CheckNetwork refuses what is no manifest of Kubernetes objects; path is its field.
// "" is none, and fine.
func CheckNetwork(path, manifest string) error {
	if manifest == "" {
		return nil
	}
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), lookahead)
	for objects := 0; ; {
		var one map[string]any
		err := documents.Decode(&one)
		switch {
		case errors.Is(err, io.EOF) && objects > 0:
			return nil
		case errors.Is(err, io.EOF):
			return fault.Invalid(path, "has no object")
		case err != nil:
			return fault.Invalid(path, "is no YAML: it must be the text of a manifest, not its address")
		case len(one) == 0: // a document of comments
			continue
		}
		for _, key := range []string{"apiVersion", "kind"} {
			if text, ok := one[key].(string); !ok || text == "" {
				return fault.Invalid(path, "has an object without %s", key)
			}
		}
		objects++
	}
}
