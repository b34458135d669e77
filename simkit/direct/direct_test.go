package direct_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/simkit/direct"
	"tradewind.example/simkit/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("refused")

// program calls a server that takes one key.
func program() direct.Program {
	return direct.Program{
		Start: func(latency time.Duration) (direct.Simulator, error) {
			return direct.Simulator{
				API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					web.Pause(r.Context(), latency)
					if r.Header.Get("Authorization") != "right" {
						w.WriteHeader(http.StatusForbidden)
					}
				}),
				Account: direct.Account{Region: "r1", Credentials: map[string]string{"key": "right"}},
				Close:   func() error { return nil },
			}, nil
		},
		Caller: func(ctx context.Context, a direct.Account, pool http.RoundTripper) (func() error, error) {
			if a.Region != "r1" {
				return nil, errRefused
			}
			return func() error {
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Endpoint, nil)
				if err != nil {
					return err
				}
				r.Header.Set("Authorization", a.Credentials["key"])
				res, err := pool.RoundTrip(r)
				if err != nil {
					return err
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					return errRefused
				}
				return nil
			}, nil
		},
	}
}

// TestLoadMeetsTheSimulator runs both sides for a moment.
func TestLoadMeetsTheSimulator(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- program().Run(ctx, []string{"sim", "-latency", "1ms"}, nil, w) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := program().Run(ctx, []string{"load", "-callers", "4", "-warm", "10ms", "-time", "100ms"}, strings.NewReader(line), &out); err != nil {
		t.Fatal(err)
	}
	var got direct.Result
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.PerSecond <= 0 || got.P50Micros < 1000 || got.P99Micros < got.P50Micros {
		t.Errorf("measured %s, %v", out.String(), err)
	}
	for _, wrong := range []string{strings.Replace(line, "right", "wrong", 1), strings.Replace(line, "r1", "r2", 1)} {
		if err := program().Run(ctx, []string{"load", "-time", "10ms"}, strings.NewReader(wrong), io.Discard); !errors.Is(err, errRefused) {
			t.Errorf("what is refused is not measured: %v", err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the simulator: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	broken := program()
	broken.Start = func(time.Duration) (direct.Simulator, error) { return direct.Simulator{}, errRefused }
	for reason, c := range map[string]struct {
		args []string
		in   string
	}{
		"nothing":       {},
		"another word":  {args: []string{"run"}},
		"no account":    {args: []string{"load"}},
		"no line":       {args: []string{"load"}, in: "{}x"},
		"nobody":        {args: []string{"load", "-callers", "0"}},
		"a crowd":       {args: []string{"load", "-callers", "1001"}},
		"unknown flags": {args: []string{"load", "-odd"}},
		"odd latency":   {args: []string{"sim", "-latency", "x"}},
		"no simulator":  {args: []string{"sim"}},
	} {
		if err := broken.Run(t.Context(), c.args, strings.NewReader(c.in), io.Discard); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}
