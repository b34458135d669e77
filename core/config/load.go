package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

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
	var p problems
	known := true
	if src.File != "" {
		raw, err := readFile(src.File)
		if err != nil {
			return cfg, err
		}
		known = reading{problems: &p, file: src.File}.document(raw, &cfg)
	}
	cfg.apply(fromEnv(src, &p), &p)
	cfg.apply(src.Flags, &p)
	if known { // else the values that go together are not known
		p.addOthers(cfg.problems())
	}
	return cfg, p.err()
}

// Parse reads YAML over the defaults, without checking the values together.
func Parse(raw []byte) (Config, error) {
	cfg := Default()
	var p problems
	reading{problems: &p, file: "configuration"}.document(raw, &cfg)
	return cfg, p.err()
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
			p.add(name, "unknown setting")
		}
	}
	return out
}
