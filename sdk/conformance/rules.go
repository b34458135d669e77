package conformance

import (
	"context"
	"strings"

	"tradewind.example/sdk/provider"
)

// Rule is one promise of the contract and its proof.
type Rule struct {
	ID    string // stable; group and name: "create-idempotent"
	Title string // the promise, one line
	// Needs are capabilities without which the rule does not apply.
	Needs []provider.Capability
	// Verbs must be offered by a kind, or the rule does not apply to it.
	Verbs []provider.Verb

	about []need // what the plugin must have for the rule to apply
	with  []need // what the fixture must have for the proof
	run   func(ctx context.Context, s *session) error
}

// Capability names what the rule belongs to: "" for every plugin.
func (r Rule) Capability() string {
	var out []string
	for _, c := range r.Needs {
		out = append(out, string(c))
	}
	for _, v := range r.Verbs {
		out = append(out, string(v))
	}
	return strings.Join(out, ", ")
}

// need is a thing that a session may lack; the answer is what is missing, "" for nothing.
type need func(s *session) string

// missing returns why the rule does not apply (absent) or cannot be proved here (skip).
func (r Rule) missing(s *session) error {
	for _, c := range r.Needs {
		if !s.has(c) {
			return absent("the plugin does not offer " + string(c))
		}
	}
	if len(r.Verbs) > 0 && len(s.described(r.Verbs...)) == 0 {
		return absent("no kind offers " + strings.Join(words(r.Verbs), " and "))
	}
	for _, n := range r.about {
		if what := n(s); what != "" {
			return absent(what)
		}
	}
	for _, n := range r.with {
		if what := n(s); what != "" {
			return skip(what)
		}
	}
	return nil
}

func words(verbs []provider.Verb) []string {
	out := make([]string, len(verbs))
	for i, v := range verbs {
		out[i] = string(v)
	}
	return out
}

// Rules returns every rule, in the order in which they are checked.
func Rules() []Rule {
	var out []Rule
	for _, group := range [][]Rule{
		descriptionRules(), accountRules(), offeredRules(), readRules(), partRules(), changeRules(), troubleRules(), streamRules(), lastRules(),
	} {
		out = append(out, group...)
	}
	return out
}
