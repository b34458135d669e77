package catalog

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tradewind.example/host/launch"
	"tradewind.example/host/manifest"
)

// ErrInvalid means that an entry, or a file of entries, cannot be used.
var ErrInvalid = errors.New("invalid catalogue entry")

// Entry is one version of a plugin that may run.
type Entry struct {
	Name    string `yaml:"name" json:"name"`       // the provider's name
	Version string `yaml:"version" json:"version"` // "" only in development
	// Path names the binary inside the plugin folder. In development it may be
	// an absolute path anywhere.
	Path string `yaml:"path" json:"path"`
	// SHA256 pins the binary, in lower-case hex; "" only in development.
	SHA256 string            `yaml:"sha256,omitempty" json:"sha256,omitempty"`
	Args   []string          `yaml:"args,omitempty" json:"args,omitempty"`
	Env    map[string]string `yaml:"env,omitempty" json:"env,omitempty"` // no secrets: they travel in the calls
	// Isolation bounds what the process may take, beyond what the host's own
	// configuration says; nil: nothing beyond that.
	Isolation *launch.Isolation `yaml:"isolation,omitempty" json:"isolation,omitempty"`
	// Disabled versions are listed and never started.
	Disabled bool `yaml:"disabled,omitempty" json:"disabled,omitempty"`
	// SignedBy is the id of the trusted key that signed the manifest when it was
	// installed; "" for none.
	SignedBy string `yaml:"signed_by,omitempty" json:"signed_by,omitempty"`
	// Source tells where the entry comes from: a file's name, or "config".
	Source string `yaml:"-" json:"source,omitempty"`
}

const (
	maxArgs = 64
	maxEnv  = 64
)

// clone returns a copy whose lists are its own.
func (e Entry) clone() Entry {
	e.Args, e.Env = slices.Clone(e.Args), maps.Clone(e.Env)
	if e.Isolation != nil {
		own := *e.Isolation
		e.Isolation = &own
	}
	return e
}

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// secretEnv matches variable names that promise a secret.
var secretEnv = regexp.MustCompile(`(?i)passw|secret|token|credential|api_?key|access_?key|private_?key`)

// reserved are the beginnings of names that belong to the host.
func reserved() []string { return []string{"TRADEWIND_", "PLUGIN_", "LD_"} }

// validate checks an entry by itself. All problems are told at once.
func (e Entry) validate(dev bool) error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("%w %q: "+format, append([]any{ErrInvalid, e.Name}, args...)...))
		}
	}
	check(manifest.ValidName(e.Name), "name must be lower-case letters, digits, - and _, beginning with a letter")
	check(manifest.ValidVersion(e.Version) || dev && e.Version == "", "version %q is not a version", e.Version)
	check(e.SHA256 != "" || dev, "sha256 is missing; pin the binary, or set dev for development")
	check(e.SHA256 == "" || manifest.ValidHash(e.SHA256), "sha256 must be 64 lower-case hex digits")
	check(e.Path != "", "path is missing")
	check(filepath.IsLocal(e.Path) || dev && filepath.IsAbs(e.Path), "path %q must stay inside the plugin folder", e.Path)
	check(len(e.Args) <= maxArgs, "more than %d args", maxArgs)
	check(len(e.Env) <= maxEnv, "more than %d variables in env", maxEnv)
	if e.Isolation != nil {
		err := e.Isolation.Validate()
		check(err == nil, "isolation: %v", err)
	}
	for name := range e.Env {
		check(envForm.MatchString(name), "env name %q is not a variable name", name)
		check(!secretEnv.MatchString(name), "env %q looks like a secret; secrets belong into the account's credentials", name)
		check(!slices.ContainsFunc(reserved(), func(p string) bool { return strings.HasPrefix(name, p) }),
			"env %q is reserved for the host", name)
	}
	return errors.Join(problems...)
}
