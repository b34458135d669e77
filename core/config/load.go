package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tradewind.example/sdk/fault"
)

const maxFile = 1 << 20

// Sources is where settings come from. Each one wins over the one before it.
type Sources struct {
	File string   // YAML; empty: none
	Env  []string // NAME=value, as from os.Environ
	// OtherEnv names variables with our prefix that are no settings. Any other
	// unknown one is refused: it is a setting with a typing error.
	OtherEnv []string
	Flags    map[string]string // by path
}

// Load reads all sources over the defaults and checks the result. The error
// names every problem with its path.
func Load(src Sources) (Config, error) {
	cfg := Default()
	if src.File != "" {
		raw, err := readFile(src.File)
		if err != nil {
			return cfg, err
		}
		if err := cfg.parse(raw); err != nil {
			return cfg, fmt.Errorf("reading %s: %w", src.File, err)
		}
	}
	var p problems
	cfg.apply(fromEnv(src, &p), &p)
	cfg.apply(src.Flags, &p)
	p.fields = append(p.fields, cfg.problems()...)
	return cfg, p.err()
}

// Parse reads YAML over the defaults, without checking the values together.
func Parse(raw []byte) (Config, error) {
	cfg := Default()
	return cfg, cfg.parse(raw)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fault.New(fault.ClassInvalid, "the configuration is longer than %d bytes", maxFile)
	}
	return raw, err
}

func (cfg *Config) parse(raw []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	err := dec.Decode(cfg)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if more := dec.Decode(new(yaml.Node)); !errors.Is(more, io.EOF) {
			return fault.New(fault.ClassInvalid, "the configuration must be one YAML document")
		}
		return nil
	}
	return fault.New(fault.ClassInvalid, "the configuration is not valid: %s", plain(err)).With(err)
}

// plain is the parser's message in our words: each problem with its line, and
// without the names of our types.
func plain(err error) string {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return strings.TrimPrefix(err.Error(), "yaml: ")
	}
	out := make([]string, len(te.Errors))
	for i, e := range te.Errors {
		e, _, _ = strings.Cut(e, " in type config.")
		e = strings.Replace(e, "into config.Config", "into settings", 1)
		out[i] = strings.Replace(e, "field ", "unknown setting ", 1)
		out[i] = strings.Replace(out[i], " not found", "", 1)
	}
	return strings.Join(out, "; ")
}

// fromEnv returns the settings of the environment by path.
func fromEnv(src Sources, p *problems) map[string]string {
	names := map[string]string{}
	for _, path := range Paths() {
		names[EnvName(path)] = path
	}
	out := map[string]string{}
	for _, kv := range src.Env {
		name, value, _ := strings.Cut(kv, "=")
		path, known := names[name]
		switch {
		case known:
			out[path] = value
		case strings.HasPrefix(name, envPrefix) && !slices.Contains(src.OtherEnv, name):
			p.add(name, "is not a setting")
		}
	}
	return out
}
