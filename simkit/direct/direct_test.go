package direct_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/simkit/direct"
	"tradewind.example/simkit/direct/directtest"
	"tradewind.example/simkit/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("refused")

// program calls a server that takes one key.
func program() direct.Program {
	return direct.Program{
		Name: "measured",
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

func TestLoadMeetsTheSimulator(t *testing.T) {
	t.Parallel()
	directtest.Meet(t, program(), "right", "wrong")
	directtest.Meet(t, program(), "r1", "r2")
}

func TestMainTellsHowItEnded(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	if code := program().Main(t.Context(), nil, nil, io.Discard, &said); code != 1 || said.String() != "measured: say sim or load\n" {
		t.Errorf("a failure is code 1 with its reason: %d, %q", code, said.String())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if code := program().Main(ended, []string{"sim"}, nil, io.Discard, &said); code != 0 {
		t.Errorf("the end of the context is a clean end: %d", code)
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
