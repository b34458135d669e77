package session

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tradewind.example/sdk/trace"
	pb "tradewind.example/sdk/wire/providerv1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// records collects log records as JSON objects.
type records struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *records) all(t *testing.T) []map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []map[string]any
	for dec := json.NewDecoder(&r.buf); dec.More(); {
		m := map[string]any{}
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		delete(m, "time")
		out = append(out, m)
	}
	return out
}

func forward(t *testing.T, redact *Redactor, text string) []map[string]any {
	t.Helper()
	var r records
	f := newForwarder(t.Context(), forwarding{
		log: slog.New(slog.NewJSONHandler(&r, &slog.HandlerOptions{Level: slog.LevelDebug})), redact: redact, logging: NewLogging(),
	})
	w := f.writer(slog.LevelInfo)
	for chunk := range strings.SplitSeq(text, "|") { // lines may arrive in pieces
		_, _ = w.Write([]byte(chunk))
	}
	f.close()
	return r.all(t)
}

func TestLinesBecomeRecords(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, in string
		want       []map[string]any
	}{
		"Hclog": {
			reason: "level, message and attributes are kept",
			in:     `{"@level":"warn","@message":"slow","@timestamp":"x","@module":"m","n":3,"ok":true,"who":"me"}` + "\n",
			want:   []map[string]any{{"level": "WARN", "msg": "slow", "module": "m", "n": 3.0, "ok": true, "who": "me"}},
		},
		"Pieces": {
			reason: "a line may come in pieces", in: "one| line\ntwo|\n\n",
			want: []map[string]any{{"level": "INFO", "msg": "one line"}, {"level": "INFO", "msg": "two"}},
		},
		"Panic": {
			reason: "a crash is an error", in: "panic: oh\n",
			want: []map[string]any{{"level": "ERROR", "msg": "panic: oh"}},
		},
		"BrokenJSON": {
			reason: "what only looks like JSON is text", in: "{oops\n",
			want: []map[string]any{{"level": "INFO", "msg": "{oops"}},
		},
		"SecretByName": {
			reason: "values under telling names are masked, at any depth",
			in:     `{"@level":"info","@message":"login password=hunter2","api_key":"k","deep":{"secret":"s","x":1}}` + "\n",
			want: []map[string]any{{
				"level": "INFO", "msg": "login password=******", "api_key": "******", "deep": `{"secret":"******","x":1}`,
			}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, forward(t, &Redactor{}, tc.in)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLongLinesAreCut(t *testing.T) {
	t.Parallel()
	got := forward(t, &Redactor{}, strings.Repeat("x", 1<<20)+"\nnext\n")
	if len(got) != 2 || len(got[0]["msg"].(string)) > maxLine+len(truncatedMark) || got[1]["msg"] != "next" {
		t.Errorf("got %d records, the first of %d bytes", len(got), len(got[0]["msg"].(string)))
	}
}

func TestFloodIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	const lines = 100_000
	got := forward(t, &Redactor{}, strings.Repeat("flood\n", lines))
	var forwarded, dropped int
	for _, r := range got {
		if n, ok := r["dropped"].(float64); ok {
			dropped += int(n)
		} else {
			forwarded++
		}
	}
	if forwarded+dropped != lines {
		t.Errorf("%d forwarded and %d dropped do not make %d", forwarded, dropped, lines)
	}
	if forwarded > 2*linesAtOnce {
		t.Errorf("%d lines went through a limit of %d", forwarded, linesAtOnce)
	}
}

// stuck is a log that does not take anything until it is released.
type stuck struct{ release chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.release; return len(p), nil }

func TestStuckLogBlocksNobody(t *testing.T) {
	t.Parallel()
	s := stuck{make(chan struct{})}
	f := newForwarder(t.Context(), forwarding{log: slog.New(slog.NewTextHandler(s, nil)), redact: &Redactor{}, logging: NewLogging()})
	w := f.writer(slog.LevelInfo)
	for range 10 * maxQueued {
		_, _ = w.Write([]byte("line\n"))
	}
	close(s.release)
	f.close()
	_, _ = w.Write([]byte("too late\n"))
}

func request(secrets ...string) *pb.RegionsRequest {
	credentials := map[string]string{}
	for i, s := range secrets {
		credentials[fmt.Sprint("c", i)] = s
	}
	return &pb.RegionsRequest{Call: &pb.Call{Account: &pb.Account{Credentials: credentials}}}
}

func TestRedactorKnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	var r Redactor
	r.Learn(request("s3cr3t/value+1", "short"))
	r.Learn(&pb.RegionsRequest{})
	r.Learn("no message at all")
	cases := map[string]struct{ reason, in, want string }{
		"Plain":   {"as it is", "using s3cr3t/value+1 now", "using ****** now"},
		"InURL":   {"as a URL has it", "GET /?k=s3cr3t%2Fvalue%2B1&x=1", "GET /?k=******&x=1"},
		"TooTiny": {"a word of five letters is not searched for", "a short word", "a short word"},
		"Pattern": {"unknown secrets go by their names", "token: abcdef", "token: ******"},
		"Bearer":  {"so does a header", "Authorization: Bearer abcdefghijkl", "Authorization: Bearer ******"},
		"Nothing": {"other text stays", "region cn-1 has 3 zones", "region cn-1 has 3 zones"},
	}
	for name, tc := range cases {
		if got := r.Text(tc.in); got != tc.want {
			t.Errorf("%s: %s: got %q, want %q", name, tc.reason, got, tc.want)
		}
	}
	got := forward(t, &r, `{"@message":"m s3cr3t/value+1","url":"x?s3cr3t%2Fvalue%2B1","list":["s3cr3t/value+1",1]}`+"\n")
	for k, v := range got[0] {
		if strings.Contains(fmt.Sprint(v), "s3cr3t") {
			t.Errorf("attribute %s leaks: %v", k, v)
		}
	}
}

func TestRedactorIsBounded(t *testing.T) {
	t.Parallel()
	var r Redactor
	for i := range maxKnown + 10 {
		r.Learn(request(fmt.Sprintf("secret-%06d", i)))
	}
	if len(r.known) != maxKnown || len(r.order) != maxKnown {
		t.Errorf("remembers %d and %d secrets, want %d", len(r.known), len(r.order), maxKnown)
	}
	if got := r.Text("x secret-000003 secret-001030"); strings.Contains(got, "001030") {
		t.Errorf("a recent secret is forgotten: %q", got)
	}
}

func TestLearningKnownSecretsAllocatesNothing(t *testing.T) {
	var r Redactor
	req := request("first-secret", "second-secret")
	r.Learn(req)
	if n := testing.AllocsPerRun(100, func() { r.Learn(req) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRedactorConcurrently(t *testing.T) {
	t.Parallel()
	var r Redactor
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				s := fmt.Sprintf("secret-%d-%d", i, j)
				r.Learn(request(s))
				if got := r.Text("x " + s); strings.Contains(got, s) {
					t.Errorf("leaked %q", got)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkFlood(b *testing.B) {
	f := newForwarder(context.Background(), forwarding{log: slog.New(slog.DiscardHandler), redact: &Redactor{}, logging: NewLogging()})
	defer f.close()
	w := f.writer(slog.LevelInfo)
	line := []byte(strings.Repeat("x", 127) + "\n")
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		_, _ = w.Write(line)
	}
}

// TestLongStructuredLinesKeepTheirLevel: up to the bound they are read whole,
// beyond it they are text of the same level, without a cut secret at the end.
func TestLongStructuredLinesKeepTheirLevel(t *testing.T) {
	t.Parallel()
	line := func(size int) string {
		return `{"@level":"error","@message":"m ` + strings.Repeat("x", size) + `","n":1}` + "\n"
	}
	whole := forward(t, &Redactor{}, line(maxLine-100))
	if len(whole) != 1 || whole[0]["level"] != "ERROR" || whole[0]["n"] != 1.0 {
		t.Errorf("a line of almost the bound has level %v", whole[0]["level"])
	}
	cut := forward(t, &Redactor{}, line(maxLine+100))
	if len(cut) != 1 || cut[0]["level"] != "ERROR" || !strings.HasSuffix(cut[0]["msg"].(string), truncatedMark) {
		t.Errorf("a line beyond the bound has level %v", cut[0]["level"])
	}
	var r Redactor
	r.Learn(request("s3cr3t-and-a-half"))
	at := maxLine - 8
	got := forward(t, &r, strings.Repeat("y", at-1)+" s3cr3t-and-a-half\n")
	if msg := got[0]["msg"].(string); strings.Contains(msg, "s3cr3t") {
		t.Error("the beginning of a secret that was cut is shown")
	}
}

// TestADroppedLineIsOnlyCounted: no copy, no formatting, no look at its end.
func TestADroppedLineIsOnlyCounted(t *testing.T) {
	logging := NewLogging()
	f := newForwarder(t.Context(), forwarding{log: slog.New(slog.DiscardHandler), redact: &Redactor{}, logging: logging})
	defer f.close()
	w := f.writer(slog.LevelInfo)
	chunk := []byte(strings.Repeat(`{"@level":"info","@message":"`+strings.Repeat("f", 150)+`"}`+"\n", 100))
	for logging.Counts().Dropped == 0 {
		_, _ = w.Write(chunk)
	}
	before := logging.Counts()
	n := testing.AllocsPerRun(100, func() { _, _ = w.Write(chunk) })
	for try := 0; n > 2 && try < 20; try++ { // the lines let through before are still being logged
		n = testing.AllocsPerRun(100, func() { _, _ = w.Write(chunk) })
	}
	after := logging.Counts()
	if n > 2 { // a token that came meanwhile lets a line through
		t.Errorf("%v allocations for 100 dropped lines", n)
	}
	if dropped := after.Dropped - before.Dropped; dropped < 9000 {
		t.Errorf("%d of 10100 lines were dropped: the flood is no flood", dropped)
	}
}

func TestBytesAreBoundedToo(t *testing.T) {
	t.Parallel()
	logging := NewLogging()
	f := newForwarder(t.Context(), forwarding{log: slog.New(slog.DiscardHandler), redact: &Redactor{}, logging: logging})
	w := f.writer(slog.LevelInfo)
	line := []byte(strings.Repeat("x", 60<<10) + "\n")
	for range 500 {
		_, _ = w.Write(line)
	}
	f.close()
	if c := logging.Counts(); c.Forwarded*int64(len(line)) > 2*bytesAtOnce || c.Forwarded+c.Dropped != 500 {
		t.Errorf("counts are %+v", c)
	}
}

// TestHiddenLevelsTakeNoShare: what is not shown does not use up the bounds.
func TestHiddenLevelsTakeNoShare(t *testing.T) {
	t.Parallel()
	logging := NewLogging()
	logging.SetLevel(slog.LevelWarn)
	var out records
	f := newForwarder(t.Context(), forwarding{log: slog.New(slog.NewJSONHandler(&out, nil)), redact: &Redactor{}, logging: logging})
	w := f.writer(slog.LevelInfo)
	for range 10 * linesAtOnce {
		_, _ = w.Write([]byte(`{"@level":"debug","@message":"m"}` + "\n"))
	}
	_, _ = w.Write([]byte(`{"@level":"warn","@message":"seen"}` + "\npanic: seen too\n"))
	f.close()
	if got := out.all(t); len(got) != 2 || got[0]["msg"] != "seen" || got[1]["msg"] != "panic: seen too" {
		t.Errorf("got %v", got)
	}
	if c := logging.Counts(); c.Hidden != 10*linesAtOnce || c.Dropped != 0 {
		t.Errorf("counts are %+v", c)
	}
	if logging.word() != "warn" {
		t.Errorf("the plugin is told %q", logging.word())
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"@level":"error","@message":"m"}`+"\n"), 3)
	f.Add([]byte("panic: x\n\n\r\n{"), 1)
	f.Add([]byte(`{"@span":{"trace":"x"}}`+"\n"), 5)
	f.Fuzz(func(t *testing.T, text []byte, piece int) {
		fw := newForwarder(t.Context(), forwarding{
			log: slog.New(slog.DiscardHandler), redact: &Redactor{}, logging: NewLogging(),
			onSpan: func(trace.Finished) bool { return true }, onCrash: func(caught) {},
		})
		w := fw.writer(slog.LevelInfo)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), max(1, piece))
			if wrote, err := w.Write(rest[:n]); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		fw.close()
	})
}
