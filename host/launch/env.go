package launch

import (
	"os"
	"slices"
	"strings"

	"tradewind.example/sdk/handshake"
)

// LifelineVariable names the descriptor of the lifeline's read end in the
// plugin's environment. A plugin ends at once when it reads end-of-file there.
const LifelineVariable = handshake.LifelineEnv

// DefaultAllow lists the host's variables that a plugin gets when the operator
// says nothing else: none of them holds a secret.
func DefaultAllow() []string {
	return []string{"TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// Environment builds a plugin's environment from the host's variables named in
// allow and from declared, which wins. The result is sorted.
func Environment(allow []string, declared map[string]string) []string {
	env := make([]string, 0, len(allow)+len(declared))
	for _, name := range allow {
		if _, over := declared[name]; over {
			continue
		}
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range declared {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return slices.Compact(env)
}

// withVariables returns env with each assignment of set, which wins over
// earlier assignments of the same name.
func withVariables(env []string, set ...string) []string {
	out := make([]string, 0, len(env)+len(set))
	for _, v := range env {
		if !slices.ContainsFunc(set, func(s string) bool { return nameOf(s) == nameOf(v) }) {
			out = append(out, v)
		}
	}
	return append(out, set...)
}

func nameOf(assignment string) string {
	name, _, _ := strings.Cut(assignment, "=")
	return name
}
