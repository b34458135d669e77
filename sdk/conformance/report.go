package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tradewind.example/sdk/provider"
)

// Verdict is what came out of a rule.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	Skip Verdict = "skip" // not proved: Reason says why
)

// Result is what came out of one rule.
type Result struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Capability string  `json:"capability"` // "" for what every plugin must do
	Verdict    Verdict `json:"verdict"`
	Reason     string  `json:"reason,omitempty"` // why it failed or was skipped, one line a finding
	// Foreign marks a skipped rule that does not apply: the plugin does not offer
	// what it is about. The other skipped ones could not be proved.
	Foreign bool          `json:"foreign,omitempty"`
	Took    time.Duration `json:"took_ns"`
}

// Report is what came out of a run.
type Report struct {
	Plugin  string   `json:"plugin"` // name of the plugin
	Version string   `json:"version"`
	Way     string   `json:"way"` // how the plugin was reached: "provider", "binary", "connection" or, after With, several
	Results []Result `json:"results"`
	// Deprecated is what the plugin is going to take away; it breaks no rule.
	Deprecated []provider.Deprecation `json:"deprecated,omitempty"`
}

// With returns what both reports prove together, each having reached the same
// plugin in its way: a rule is broken when it is in one of them, and proved when
// it is in one of them and broken in none.
func (r Report) With(other Report) Report {
	out := r
	out.Way += " and as a " + other.Way
	out.Results = append([]Result(nil), r.Results...)
	for i, one := range out.Results {
		second, ok := other.Result(one.ID)
		if ok && one.Verdict != Fail && (second.Verdict == Fail || one.Verdict == Skip && second.Verdict == Pass) {
			out.Results[i] = second
		}
	}
	return out
}

// Passed reports whether no rule is broken. Skipped rules do not count.
func (r Report) Passed() bool { return r.Count(Fail) == 0 }

// Count returns how many rules ended with v.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict == v {
			n++
		}
	}
	return n
}

// Result returns what came out of the rule with an id; not ok when it was not checked.
func (r Report) Result(id string) (Result, bool) {
	for _, result := range r.Results {
		if result.ID == id {
			return result, true
		}
	}
	return Result{}, false
}

// JSON returns the report as an indented document.
func (r Report) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the report: %w", err)
	}
	return append(out, '\n'), nil
}

// Markdown returns the report as a sentence and a table. It holds no times, so
// that two runs with the same outcome are the same text.
func (r Report) Markdown() string {
	var b strings.Builder
	foreign := r.foreign()
	fmt.Fprintf(&b, "%s %s as a %s: %d rules passed, %d failed, %d not proved, %d do not apply.\n\n",
		r.Plugin, r.Version, r.Way, r.Count(Pass), r.Count(Fail), r.Count(Skip)-foreign, foreign)
	b.WriteString("| rule | what it proves | capability | result |\n|---|---|---|---|\n")
	for _, result := range r.Results {
		outcome := result.outcome()
		capability := result.Capability
		if capability == "" {
			capability = "every plugin"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", result.ID, cell(result.Title), capability, outcome)
	}
	if len(r.Deprecated) > 0 {
		b.WriteString("\nWhat the plugin is going to take away:\n\n")
	}
	for _, d := range r.Deprecated {
		fmt.Fprintf(&b, "- `%s`: %s\n", d.Place, strings.TrimSpace(d.Instead))
	}
	return b.String()
}

// foreign returns how many rules do not apply.
func (r Report) foreign() int {
	n := 0
	for _, result := range r.Results {
		if result.Foreign {
			n++
		}
	}
	return n
}

// outcome words the verdict with its reason.
func (r Result) outcome() string {
	out := string(r.Verdict)
	switch {
	case r.Foreign:
		out = "does not apply"
	case r.Verdict == Skip:
		out = "not proved"
	}
	if r.Reason != "" {
		out += ": " + cell(r.Reason)
	}
	return out
}

// cell makes text fit a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("\n", "; ", "|", "\\|").Replace(strings.TrimSpace(text))
}
