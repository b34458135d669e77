package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one scalar place of a Config that text can set.
type setting struct {
	path  string
	value reflect.Value
}

// settings lists every scalar of cfg with its path. Lists are not among them:
// plugins are declared in the file.
func settings(cfg *Config) []setting { return scalars("", reflect.ValueOf(cfg).Elem()) }

func scalars(prefix string, v reflect.Value) []setting {
	var out []setting
	for i := range v.NumField() {
		path := prefix + v.Type().Field(i).Tag.Get("yaml")
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			out = append(out, scalars(path+".", f)...)
		case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
			out = append(out, setting{path: path, value: f})
		}
	}
	return out
}

// set reads text as the setting's type.
func (s setting) set(text string) error {
	switch {
	case s.value.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("must be a duration such as 30s, not %q", text)
		}
		s.value.SetInt(int64(d))
	case s.value.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		s.value.SetInt(int64(n))
	case s.value.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false, not %q", text)
		}
		s.value.SetBool(b)
	default:
		s.value.SetString(text)
	}
	return nil
}

// Paths lists the settings that the environment and flags can set, in the
// order of the file.
func Paths() []string {
	var cfg Config
	var out []string
	for _, s := range settings(&cfg) {
		out = append(out, s.path)
	}
	return out
}

const envPrefix = "TRADEWIND_"

// EnvName returns the environment variable of a setting.
func EnvName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// apply sets the settings of the paths and collects what is wrong.
func (cfg *Config) apply(values map[string]string, p *problems) {
	all := settings(cfg)
	for _, path := range sortedKeys(values) {
		i := slices.IndexFunc(all, func(s setting) bool { return s.path == path })
		if i < 0 {
			p.add(path, "unknown setting")
			continue
		}
		if err := all[i].set(values[path]); err != nil {
			p.add(path, "%s", err)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
