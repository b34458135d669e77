// Package manifest is the description file beside an installed plugin: what the
// binary with that hash said of itself when it was installed. With it the host
// lists a plugin's abilities without starting it, and notices at the first
// handshake when a plugin is not what was installed.
//
// It starts nothing and trusts nothing: a manifest is parsed and verified like
// any input. Values are immutable by convention and safe for concurrent use.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"

	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

const (
	// FileName is the manifest's name beside its binary.
	FileName = "manifest.json"
	// MaxBytes bounds a manifest and a description.
	MaxBytes = 8 << 20
	// Format is the version of the file's layout.
	Format = 1
)

// ErrInvalid means that a manifest cannot be used.
var ErrInvalid = errors.New("invalid manifest")

// ErrDifferent means that a running plugin is not what its manifest says.
var ErrDifferent = errors.New("plugin differs from its manifest")

// ErrContract means that a plugin needs another contract than this host speaks.
var ErrContract = errors.New("plugin does not fit this host")

// Manifest describes one binary.
type Manifest struct {
	Format   int    `json:"format"`
	SHA256   string `json:"sha256"`   // of the binary, lower-case hex
	Protocol int    `json:"protocol"` // major version of the contract
	// ContractMinor is the oldest additive revision of the contract that the
	// plugin can do with: at least what its description says.
	ContractMinor int `json:"contract_minor,omitempty"`
	// Platform is the system and processor that the binary is for, "linux/amd64";
	// "" when it is not told.
	Platform    string               `json:"platform,omitempty"`
	Description provider.Description `json:"description"`
}

// Platform names this machine's system and processor.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// New makes the manifest of the binary with that hash, which was described on
// this machine and in this host's protocol.
func New(sha256 string, d provider.Description) (Manifest, error) {
	m := Manifest{
		Format: Format, SHA256: sha256, Protocol: handshake.ProtocolVersion, ContractMinor: d.ContractMinor,
		Platform: Platform(), Description: d,
	}
	return m, m.Verify()
}

// Parse reads and verifies a manifest. Errors wrap [ErrInvalid], and
// [ErrContract] when the manifest is of a plugin for another host: then what
// could be read is returned too, to tell whose it is.
func Parse(raw []byte) (Manifest, error) {
	if len(raw) > MaxBytes {
		return Manifest{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxBytes)
	}
	var head Manifest
	_ = json.Unmarshal(raw, &head) // what is wrong beside the contract is told below
	if err := head.fits(); errors.Is(err, ErrContract) {
		return head, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var m Manifest
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if dec.More() {
		return Manifest{}, fmt.Errorf("%w: text follows the object", ErrInvalid)
	}
	return m, m.Verify()
}

// Encode writes the manifest in the form that [Parse] reads.
func (m Manifest) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding manifest: %w", err)
	}
	return append(raw, '\n'), nil
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	versionForm  = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$`)
	platformForm = regexp.MustCompile(`^[a-z0-9]{1,16}/[a-z0-9_]{1,16}$`)
	hashForm     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ValidName reports whether s can name a plugin: it becomes a folder's name.
func ValidName(s string) bool { return nameForm.MatchString(s) }

// ValidVersion reports whether s can be a version: it becomes a folder's name.
func ValidVersion(s string) bool { return versionForm.MatchString(s) }

// ValidHash reports whether s is a SHA-256 in lower-case hex.
func ValidHash(s string) bool { return hashForm.MatchString(s) }

// Verify checks the manifest's own consistency. Errors wrap [ErrInvalid].
func (m Manifest) Verify() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
		}
	}
	d := m.Description
	check(m.Format == Format, "format %d is not %d", m.Format, Format)
	if err := m.fits(); err != nil {
		problems = append(problems, fmt.Errorf("%w: %w", ErrInvalid, err))
	}
	check(ValidHash(m.SHA256), "sha256 %q is not 64 hex digits", m.SHA256)
	check(ValidName(d.Name), "name %q is not lower-case letters, digits, - and _", d.Name)
	check(m.Platform == "" || platformForm.MatchString(m.Platform), "platform %q is not of the form linux/amd64", m.Platform)
	check(ValidVersion(d.Version), "version %q is not a version", d.Version)
	for _, k := range d.Kinds {
		check(k.Name != "", "a kind has no name")
	}
	return errors.Join(problems...)
}

// fits tells, wrapping [ErrContract], when this host does not speak the contract
// that the plugin needs.
func (m Manifest) fits() error {
	needs := max(m.ContractMinor, m.Description.ContractMinor)
	if m.Protocol < 1 || min(m.ContractMinor, m.Description.ContractMinor) < 0 {
		return fmt.Errorf("contract %d.%d is none; protocol must be at least 1", m.Protocol, m.ContractMinor)
	}
	newer := m.Protocol > handshake.ProtocolVersion ||
		m.Protocol == handshake.ProtocolVersion && needs > handshake.ContractMinor
	switch speaks := Spoken(); {
	case newer:
		return fmt.Errorf("%w: plugin needs contract %d.%d, this host speaks %s; update the broker", ErrContract, m.Protocol, needs, speaks)
	case m.Protocol < handshake.ProtocolVersion:
		return fmt.Errorf("%w: plugin needs contract %d.%d, this host speaks %s; install a newer version of the plugin",
			ErrContract, m.Protocol, needs, speaks)
	}
	return nil
}

// Spoken names the versions of the contract that this host speaks: "1.0" or "1.0-1.3".
func Spoken() string {
	first := fmt.Sprintf("%d.0", handshake.ProtocolVersion)
	last := fmt.Sprintf("%d.%d", handshake.ProtocolVersion, handshake.ContractMinor)
	if last == first {
		return first
	}
	return first + "-" + last
}

// Check compares a running plugin's description with the manifest's. Errors
// wrap [ErrDifferent] and name what differs. A zero manifest accepts anything.
func (m Manifest) Check(running provider.Description) error {
	if m.Format == 0 {
		return nil
	}
	want, err := parts(m.Description)
	if err != nil {
		return err
	}
	got, err := parts(running)
	if err != nil {
		return err
	}
	for i := range want {
		if !bytes.Equal(want[i].text, got[i].text) {
			return fmt.Errorf("%w in its %s: manifest has %s, plugin says %s; install it again",
				ErrDifferent, want[i].name, short(want[i].text), short(got[i].text))
		}
	}
	return nil
}

// part is one comparable piece of a description in canonical JSON.
type part struct {
	name string
	text []byte
}

func parts(d provider.Description) ([]part, error) {
	capabilities := slices.Sorted(slices.Values(d.Capabilities))
	pieces := []struct {
		name  string
		value any
	}{
		{"name", d.Name}, {"version", d.Version}, {"title", d.Title}, {"summary", d.Summary},
		{"currency", d.Currency}, {"capabilities", capabilities}, {"regions model", d.Regions},
		{"limits", d.Limits}, {"config schema", d.Config}, {"kinds", d.Kinds}, {"contract minor", d.ContractMinor},
	}
	out := make([]part, 0, len(pieces))
	for _, p := range pieces {
		text, err := canonical(p.value)
		if err != nil {
			return nil, fmt.Errorf("%w: its %s is not JSON: %w", ErrDifferent, p.name, err)
		}
		out = append(out, part{p.name, text})
	}
	return out, nil
}

// canonical encodes v with sorted keys and without blanks, empty like absent:
// the wire does not tell an empty list from none.
func canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(prune(tree))
}

// prune drops empty lists, objects and nulls from objects.
func prune(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		for k, v := range t {
			if v = prune(v); isEmpty(v) {
				delete(t, k)
			} else {
				t[k] = v
			}
		}
	case []any:
		for i, v := range t {
			t[i] = prune(v)
		}
		if len(t) == 0 {
			return nil
		}
	}
	return tree
}

func isEmpty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(t) == 0
	case []any:
		return len(t) == 0
	}
	return false
}

const shortBytes = 120

func short(b []byte) string {
	if len(b) <= shortBytes {
		return string(b)
	}
	return string(b[:shortBytes]) + "…"
}
