package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
)

const (
	maxVersions = 64   // of one plugin
	maxPins     = 64   // of one plugin
	maxOrgs     = 4096 // in all pins of one plugin
	maxChanges  = 32   // that are remembered
	maxWho      = 256
	maxReason   = 1024
)

// Selection says which versions of a plugin are in use. In a declarative file
// name, active and pins are written.
type Selection struct {
	Name     string `yaml:"name" json:"name"` // of the plugin
	Active   string `yaml:"active" json:"active"`
	Previous string `yaml:"previous,omitempty" json:"previous,omitempty"` // active before; "" when none or removed
	Pins     []Pin  `yaml:"pins,omitempty" json:"pins,omitempty"`         // in the order they were made
	// Revision grows with every change of the plugin's entries and selection.
	Revision uint64   `yaml:"revision,omitempty" json:"revision,omitempty"`
	Changes  []Change `yaml:"changes,omitempty" json:"changes,omitempty"` // the last 32, oldest first
	// Source tells where the plugin is declared: a file's name, or "config".
	Source string `yaml:"-" json:"-"`
}

// Pin lets a group of orgs be served by another version than the active one.
type Pin struct {
	Group string   `yaml:"group" json:"group"` // a name of the operator's choice
	Orgs  []string `yaml:"orgs" json:"orgs"`   // ids of orgs, or of roots for their whole trees
	// Version is what serves the group; "" means the active one, for an isolated group.
	Version string `yaml:"version,omitempty" json:"version,omitempty"`
	// Isolated gives each org of the group a process of its own.
	Isolated bool `yaml:"isolated,omitempty" json:"isolated,omitempty"`
}

// Change is one past change of a plugin's entries or selection.
type Change struct {
	Revision uint64    `yaml:"revision" json:"revision"` // that it made
	Time     time.Time `yaml:"time" json:"time"`
	Who      string    `yaml:"who,omitempty" json:"who,omitempty"`
	Reason   string    `yaml:"reason,omitempty" json:"reason,omitempty"`
	What     string    `yaml:"what" json:"what"` // the operations
}

// Edit says who makes a change, why, and on what ground.
type Edit struct {
	Who    string
	Reason string
	// Revision, when not 0, is the revision that the author saw: if the plugin was
	// changed meanwhile, the change is a conflict and nothing is done.
	Revision uint64
}

func (s Selection) clone() Selection {
	s.Pins, s.Changes = slices.Clone(s.Pins), slices.Clone(s.Changes)
	for i := range s.Pins {
		s.Pins[i].Orgs = slices.Clone(s.Pins[i].Orgs)
	}
	return s
}

func (e Edit) validate() error {
	var wrong []fault.Field
	for _, f := range []struct {
		path, text string
		most       int
	}{{"who", e.Who, maxWho}, {"reason", e.Reason, maxReason}} {
		if len(f.text) > f.most || !utf8.ValidString(f.text) || slices.ContainsFunc([]rune(f.text), unicode.IsControl) {
			wrong = append(wrong, fault.Field{Path: f.path, Message: fmt.Sprintf("must be one line of at most %d bytes", f.most)})
		}
	}
	return invalid(wrong)
}

var (
	groupForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	orgForm   = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._:-]{0,127}$`)
)

func (p Pin) validate() error {
	var wrong []fault.Field
	check := func(ok bool, path, message string) {
		if !ok {
			wrong = append(wrong, fault.Field{Path: path, Message: message})
		}
	}
	check(groupForm.MatchString(p.Group), "group", "must be lower-case letters, digits, ., - and _")
	check(len(p.Orgs) > 0, "orgs", "must name at least one org")
	check(p.Version != "" || p.Isolated, "version", "is needed, unless the group is isolated")
	seen := map[string]bool{}
	for i, org := range p.Orgs {
		check(orgForm.MatchString(org), fmt.Sprintf("orgs[%d]", i), "is no id of an org")
		check(!seen[org], fmt.Sprintf("orgs[%d]", i), "is in the group twice")
		seen[org] = true
	}
	return invalid(wrong)
}

// invalid makes a fault of the host; nil when nothing is wrong.
func invalid(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return fault.As(fault.InvalidFields(wrong)).From(fault.SourceHost)
}
