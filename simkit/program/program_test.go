package program_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/simkit/admin"
	"tradewind.example/simkit/program"
	"tradewind.example/simkit/program/programtest"
	"tradewind.example/simkit/statefile"
)

func TestMain(m *testing.M) {
	if programtest.PlaysProgram() {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := program.Main(ctx, shop(), os.Args[1:], os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

const config = "owner: one\ntransition_ms: 5\n"

// shopConfig is the configuration of a simulator that sells names.
type shopConfig struct {
	Owner        string           `yaml:"owner"`
	StateFile    string           `yaml:"state_file"`
	TransitionMS int              `yaml:"transition_ms"`
	Sites        []string         `yaml:"-"`
	Now          func() time.Time `yaml:"-"`
	Logger       *slog.Logger     `yaml:"-"`
}

type till struct {
	mu   sync.Mutex
	sold map[string]int
	file *statefile.File
}

var errOwner = errors.New("the owner is missing")

func open(c shopConfig) (*till, error) {
	if c.Owner == "" || c.Now == nil || c.Logger == nil {
		return nil, errOwner
	}
	s := &till{sold: map[string]int{}}
	if c.StateFile == "" {
		return s, nil
	}
	var err error
	s.file, err = statefile.Open(c.StateFile, func(line []byte) error {
		var name string
		err := json.Unmarshal(line, &name)
		s.sold[name]++
		return err
	}, func(emit func(any) error) error {
		for _, name := range slices.Sorted(maps.Keys(s.sold)) {
			if err := emit(name); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

func (s *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.URL.Query().Get("name")
	s.sold[name]++
	if s.file != nil && s.file.Append(name) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (s *till) report(int) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	sold := map[string]map[string]int{}
	for name, n := range s.sold {
		sold[name] = map[string]int{"orders": n}
	}
	return map[string]any{"bought": map[string]any{"name": sold}}
}

func shop() program.Simulator[shopConfig] {
	var more string
	return program.Simulator[shopConfig]{
		Name: "shop", Needs: "an owner",
		Flags: func(f *flag.FlagSet) { f.StringVar(&more, "more", "", "further site") },
		Knobs: func(c *shopConfig) program.Knobs {
			return program.Knobs{StateFile: &c.StateFile, TransitionMS: &c.TransitionMS, Now: &c.Now, Logger: &c.Logger}
		},
		Start: func(c shopConfig) (program.Running, error) {
			s, err := open(c)
			if err != nil {
				return program.Running{}, err
			}
			d := admin.New()
			admin.State(d, s.report)
			r := program.Running{API: s, Admin: d}
			if s.file != nil {
				r.Close = s.file.Close
			}
			if more != "" {
				r.More = []program.Site{{Name: "more", Listen: more, Handler: s}}
			}
			return r, nil
		},
		Ready: func(urls map[string]string, file map[string]any) []string {
			if urls["more"] == "" {
				return nil
			}
			file["more_url"] = urls["more"]
			return []string{"more " + urls["more"]}
		},
	}
}

func buy(ctx context.Context, client *http.Client, api, name string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/?name="+name, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return err == nil && res.StatusCode == http.StatusOK
}

func TestKilledProgramKeepsState(t *testing.T) {
	t.Parallel()
	programtest.SurviveKills(t, programtest.Purchases{Config: config, Buy: buy, Field: "name"})
}

func TestReadyFile(t *testing.T) {
	t.Parallel()
	if file, lines := programtest.Ready(t, shop, config); len(lines) != 2 || len(file) != 3 {
		t.Errorf("two ports: %v, %q", file, lines)
	}
	file, lines := programtest.Ready(t, shop, config, "-more", "127.0.0.1:0")
	if len(lines) != 3 || lines[2] != fmt.Sprint("more ", file["more_url"]) {
		t.Errorf("a further port has its line and its place in the file: %v, %q", file, lines)
	}
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken, good := l.Addr().String(), programtest.File(t, config)
	programtest.RefuseBadStarts(t, shop, "onwer: one\n", "onwer", map[string]programtest.BadStart{
		"Own":    {Reason: "the simulator checks its configuration", Args: []string{"-config", programtest.File(t, "owner: ''")}, Want: errOwner.Error()},
		"Port":   {Reason: "ports are told", Args: []string{"-config", good, "-listen", taken}, Want: `"simulated"`},
		"Admin":  {Reason: "each by its name", Args: []string{"-config", good, "-admin-listen", taken}, Want: `"admin"`},
		"Site":   {Reason: "all or none are opened", Args: []string{"-config", good, "-more", taken}, Want: `"more"`},
		"Ready":  {Reason: "the ready file must be written", Args: []string{"-config", good, "-ready-file", "no/such/folder/file"}, Want: "ready file"},
		"Flag":   {Reason: "unknown flags are refused", Args: []string{"-config", good, "-odd"}, Want: "-odd"},
		"Needed": {Reason: "it says what a configuration must have", Args: nil, Want: "an owner"},
	})
}

func TestMainTellsHowItEnded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := program.Main(t.Context(), shop(), nil, io.Discard, &out); code != 1 || !strings.Contains(out.String(), "shop: give -config") {
		t.Errorf("a failure is code 1 with its reason: %d, %s", code, &out)
	}
	out.Reset()
	if code := program.Main(t.Context(), shop(), []string{"-h"}, io.Discard, &out); code != 0 || !strings.Contains(out.String(), "-more") {
		t.Errorf("help is no failure, and shows the simulator's own flags: %d, %s", code, &out)
	}
	fixed := shop()
	knobs := fixed.Knobs
	fixed.Knobs = func(c *shopConfig) program.Knobs {
		k := knobs(c)
		k.StateFile = nil
		return k
	}
	if code := program.Main(t.Context(), fixed, []string{"-state", "x"}, io.Discard, io.Discard); code != 1 {
		t.Error("a simulator without a file has no -state")
	}
}

func TestFlagsOverrideTheConfiguration(t *testing.T) {
	t.Parallel()
	seen := make(chan shopConfig, 1)
	s := shop()
	s.Start = func(c shopConfig) (program.Running, error) {
		seen <- c
		return program.Running{}, errOwner
	}
	began := time.Now()
	err := program.Run(t.Context(), s, []string{
		"-config", programtest.File(t, config+"state_file: a\n"), "-state", "b", "-transition", "10us", "-speed", "100000",
	}, io.Discard, io.Discard)
	c := <-seen
	if !errors.Is(err, errOwner) || c.StateFile != "b" || c.TransitionMS != 1 || c.Owner != "one" {
		t.Errorf("flags win, and the shortest change takes a millisecond: %+v, %v", c, err)
	}
	for c.Now().Sub(began) < time.Minute { // 0.6 ms of real time
		if time.Since(began) > 10*time.Second {
			t.Fatal("the clock runs 100000 times faster")
		}
	}
}

// plain is a simulator with two APIs.
type plain struct{ http.Handler }

func (plain) Admin() http.Handler { return admin.New() }
func (plain) Close() error        { return errOwner }

func TestStartOpensBothAPIs(t *testing.T) {
	t.Parallel()
	start := program.Start(func(name string) (plain, error) {
		if name == "" {
			return plain{}, errOwner
		}
		return plain{http.NotFoundHandler()}, nil
	})
	if r, err := start("one"); err != nil || r.API == nil || r.Admin == nil || !errors.Is(r.Close(), errOwner) {
		t.Errorf("what was opened is served and closed: %+v, %v", r, err)
	}
	if _, err := start(""); !errors.Is(err, errOwner) {
		t.Errorf("what is not opened is not served: %v", err)
	}
}
