package plugintest

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
)

// Log is a log that several goroutines may write and a test reads. The zero
// value is empty.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write makes a Log an io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Counted serves a simulated cloud until the test ends, and counts the
// connections that were opened to it.
func Counted(t testing.TB, cloud http.Handler) (url string, opened *atomic.Int64) {
	t.Helper()
	opened = &atomic.Int64{}
	srv := httptest.NewUnstartedServer(cloud)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL, opened
}

// Crowd is how calls are made, first one after another, then by many at once.
type Crowd struct {
	// Alone is the number of rounds one after another; Do gets the number of each, from 0.
	Alone int
	Do    func(round int)
	// Callers make Each rounds of Check at once.
	Callers, Each int
	Check         func()
}

// ReuseConnections holds that calls one after another share one connection, and
// that many callers open at most two each: one that finds nothing idle dials,
// and may be overtaken by a connection that becomes free.
func ReuseConnections(t testing.TB, opened *atomic.Int64, c Crowd) {
	t.Helper()
	for i := range c.Alone {
		c.Do(i)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d rounds one after another opened %d connections; want 1", c.Alone, n)
	}
	var all sync.WaitGroup
	for range c.Callers {
		all.Go(func() {
			for range c.Each {
				c.Check()
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n > int64(2*c.Callers) {
		t.Errorf("%d callers with %d rounds each opened %d connections", c.Callers, c.Each, n)
	} else {
		t.Logf("%d rounds of %d callers: %d connections", c.Callers*c.Each, c.Callers, n)
	}
}

// spans collects finished spans.
type spans struct {
	mu  sync.Mutex
	all []trace.Finished
}

// Record is called for each span that ends.
func (s *spans) Record(f trace.Finished) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, f)
}

// Traced checks an account under a span, in the test's own process, and returns
// the spans of the requests to the cloud that this made. It holds that there is
// one, and that each belongs to the check and was answered with status 200.
func Traced(t testing.TB, p provider.Provider, call provider.Call) []trace.Finished {
	t.Helper()
	parent, ok := trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if !ok {
		t.Fatal("the test's parent is none")
	}
	var got spans
	if _, err := p.Check(trace.With(t.Context(), parent, &got), provider.CheckRequest{Call: call}); err != nil {
		t.Fatal(err)
	}
	got.mu.Lock()
	defer got.mu.Unlock()
	if len(got.all) == 0 {
		t.Fatal("no span")
	}
	for _, s := range got.all {
		if !strings.HasPrefix(s.Name, "HTTP ") || s.Parent != "b7ad6b7169203331" || s.Attrs["http.response.status_code"] != "200" || s.Failure != "" {
			t.Errorf("span is %+v", s)
		}
	}
	return slices.Clone(got.all)
}

// Answering is a cloud that answers everything with one status, header and body
// until the test ends. It counts what it was asked.
func Answering(t testing.TB, status int, header http.Header, body string) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked
}

// Nowhere returns the URL of a cloud that is not there: nobody listens at it.
func Nowhere(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String()
}

// Printed returns all that the process writes to its standard output, over which
// a plugin talks, and to the log of package log while do runs. A test that uses it
// must not run beside others.
func Printed(t testing.TB, do func()) string {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	var logged bytes.Buffer
	output(out, &logged, do)
	printed, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(printed) + logged.String()
}

// output lets do run with another standard output and log.
func output(out *os.File, logged io.Writer, do func()) {
	stdout, was := os.Stdout, log.Writer()
	defer func() {
		os.Stdout = stdout
		log.SetOutput(was)
	}()
	os.Stdout = out
	log.SetOutput(logged)
	do()
}
