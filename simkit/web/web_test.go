package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tradewind.example/simkit/faults"
	"tradewind.example/simkit/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDestroy(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		kind   faults.Kind
		status int
		left   bool
		want   string
	}{
		"HTTP":    {"a page of a gateway", faults.HTTP, 502, false, "Bad Gateway\n"},
		"NonJSON": {"a page instead of an answer", faults.NonJSON, 200, false, "<html><body>gateway</body></html>"},
		"Empty":   {"a status alone", faults.Empty, 403, false, ""},
		"Other":   {"any other kind is the simulator's to answer", faults.SoldOut, 200, true, "whole"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := httptest.NewRecorder()
			if !web.Destroy(rec, c.kind, c.status) {
				_, _ = io.WriteString(rec, "whole")
			} else if c.left {
				t.Error("nothing was to be written")
			}
			if rec.Code != c.status || rec.Body.String() != c.want {
				t.Errorf("%s: %d %q, want %d %q", c.reason, rec.Code, rec.Body, c.status, c.want)
			}
		})
	}
}

func TestDropLeavesNoByte(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = web.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { web.Destroy(w, faults.Drop, 0) }))
	srv.Start()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err == nil {
		_ = res.Body.Close()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the connection ends without an answer: %v", err)
	}
	rec := httptest.NewRecorder()
	if web.Destroy(rec, faults.Drop, 0); rec.Code != http.StatusBadGateway || rec.Body.Len() != 0 {
		t.Errorf("where there is no connection to close, an empty 502: %d", rec.Code)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	began := time.Now()
	web.Pause(t.Context(), 0)
	web.Pause(t.Context(), 20*time.Millisecond)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("it waits in real time: %v", took)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	web.Pause(gone, time.Hour)
}

func TestServerIsBounded(t *testing.T) {
	t.Parallel()
	s := web.NewServer(nil)
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 || s.WriteTimeout <= 2*faults.MaxDelay {
		t.Errorf("headers and times are bounded, and two waits fit: %+v", s)
	}
}

func TestUUIDs(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	one, two := web.NewUUID(), web.NewUUID()
	if !form.MatchString(one) || one == two {
		t.Errorf("%s and %s are random UUIDs", one, two)
	}
}
