package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/identity"
	"tradewind.example/sdk/internal/callinfo"
	"tradewind.example/sdk/secret"
)

const marker = "hunter2-marker"

func TestLogLinesAreHclogs(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{
		slog.LevelDebug - 4: "trace", slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "error",
	} {
		var b bytes.Buffer
		newLogger(&b, slog.LevelDebug-8).With("region", "r1").Log(t.Context(), level, "made it", "n", 3)
		var line map[string]any
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatalf("%v in %s", err, &b)
		}
		if line["@message"] != "made it" || line["@level"] != want || line["region"] != "r1" || line["n"] != 3.0 {
			t.Errorf("level %s: %s", want, &b)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z07:00", fmt.Sprint(line["@timestamp"])); err != nil {
			t.Errorf("time stamp: %v", err)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	type config struct {
		Key    string       `json:"api_key"`
		Inner  secret.Value `json:"inner"`
		Public string       `json:"public"`
	}
	var b bytes.Buffer
	log := newLogger(&b, slog.LevelInfo)
	log.Info("password="+marker, "password", marker, "secret_key", marker, "value", secret.New(marker),
		"struct", config{marker, secret.New(marker), "shown"}, "map", map[string]any{"token": marker, "list": []any{map[string]string{"pwd": marker}}},
		"raw", json.RawMessage(`{"password":"`+marker+`"}`), "err", errors.New("get https://x.example/?Signature="+marker+"&a=1"),
		slog.Group("g", "authorization", marker, "ok", "shown"), "header", "Authorization: Bearer "+marker)
	log.With("credentials", map[string]string{"k": marker}).WithGroup("h").Info("x", "private_key", marker)
	if strings.Contains(b.String(), marker) {
		t.Errorf("a secret was logged:\n%s", &b)
	}
	if strings.Count(b.String(), "shown") != 2 {
		t.Errorf("what is no secret is missing:\n%s", &b)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	newLogger(&b, slog.LevelInfo).Info(strings.Repeat("m", 1<<20), "a", strings.Repeat("v", 1<<20)) //nolint:sloglint // the message is what is tested
	if b.Len() > 32<<10 {
		t.Errorf("a line of %d bytes; the host cuts at 64 KiB", b.Len())
	}
}

func TestSortLines(t *testing.T) {
	t.Parallel()
	var out, rest bytes.Buffer
	in := "noise\n1|1|unix|/s|grpc|\nmore\n1|1|unix|/second|grpc|\nlast"
	if err := sortLines(strings.NewReader(in), &out, &rest, ""); err != nil {
		t.Fatal(err)
	}
	if out.String() != "1|1|unix|/s|grpc|\n" || rest.String() != "noise\nmore\n1|1|unix|/second|grpc|\nlast" {
		t.Errorf("out %q, rest %q; want one handshake out and all else at rest", &out, &rest)
	}
}

func TestAHandshakeGetsTheCertificate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ line, certificate, want, reason string }{
		"empty field": {"1|1|unix|/s|grpc|\n", "cert", "1|1|unix|/s|grpc|cert\n", "go-plugin leaves out what it has not made"},
		"more fields": {"1|1|unix|/s|grpc||true\n", "cert", "1|1|unix|/s|grpc|cert|true\n", "what comes after stays"},
		"given":       {"1|1|unix|/s|grpc|theirs\n", "cert", "1|1|unix|/s|grpc|theirs\n", "go-plugin's own is the one in use"},
		"no field":    {"1|1|unix|/s|grpc\n", "cert", "1|1|unix|/s|grpc\n", "there is no place for it"},
		"none":        {"1|1|unix|/s|grpc|\n", "", "1|1|unix|/s|grpc|\n", "the host has no certificate either"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, rest bytes.Buffer
			if err := sortLines(strings.NewReader(tc.line), &out, &rest, tc.certificate); err != nil {
				t.Fatal(err)
			}
			if out.String() != tc.want {
				t.Errorf("got %q, want %q: %s", &out, tc.want, tc.reason)
			}
		})
	}
}

func TestABrokenCertificateOfTheHostIsRefused(t *testing.T) {
	t.Parallel()
	if own, err := hostsOwn(""); err != nil || own.tls != nil {
		t.Errorf("without a host's certificate: %v, %v; want neither TLS nor an error", own.tls, err)
	}
	if _, err := hostsOwn("nonsense"); !errors.Is(err, identity.ErrNoCertificate) {
		t.Errorf("got %v, want %v: a plugin must not serve just anybody", err, identity.ErrNoCertificate)
	}
}

func TestLinesTellTheirCall(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	ctx := callinfo.With(t.Context(), callinfo.Info{RequestID: "req-1", Org: "org-1"})
	newLogger(&b, slog.LevelInfo).With("a", 1).InfoContext(ctx, "made it")
	newLogger(&b, slog.LevelInfo).Info("on its own")
	dec := json.NewDecoder(&b)
	var in, out map[string]any
	if err := errors.Join(dec.Decode(&in), dec.Decode(&out)); err != nil {
		t.Fatal(err)
	}
	if in["request_id"] != "req-1" || in["org"] != "org-1" || out["request_id"] != nil {
		t.Errorf("in a call: %v; outside: %v", in, out)
	}
}

func TestLevelFollowsTheHost(t *testing.T) {
	t.Parallel()
	level := levelFromEnv("warn")
	var b bytes.Buffer
	log := newLogger(&b, level).With("a", 1)
	log.Info("hidden")
	level.Set(slog.LevelDebug)
	log.Debug("shown")
	if s := b.String(); strings.Contains(s, "hidden") || !strings.Contains(s, "shown") {
		t.Errorf("got %s", s)
	}
	if levelFromEnv("").Level() != slog.LevelInfo || levelFromEnv("nonsense").Level() != slog.LevelInfo {
		t.Error("without a level it is not info")
	}
}
