package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tradewind.example/core/config"
)

// source are the flags that say where the configuration comes from.
type source struct {
	file string
	set  []string
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.file, "config", "", "configuration `file` (YAML)")
	cmd.Flags().StringArrayVar(&s.set, "set", nil, "one setting as `path=value`, for example listen=127.0.0.1:8080; repeat it")
}

// load reads file, environment and flags, the later over the earlier.
func (s *source) load() (config.Config, error) {
	flags := map[string]string{}
	for _, kv := range s.set {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return config.Config{}, fmt.Errorf("--set %q: write it as path=value", kv)
		}
		flags[k] = v
	}
	return config.Load(config.Sources{File: s.file, Env: os.Environ(), OtherEnv: []string{"TRADEWIND_FAILPOINT"}, Flags: flags})
}

func logger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // validated with the configuration
	opt := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, opt))
	}
	return slog.New(slog.NewJSONHandler(w, opt))
}
