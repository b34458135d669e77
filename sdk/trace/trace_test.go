package trace_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/trace"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestParse(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, in string
		ok         bool
	}{
		"Sampled":   {"a traceparent as others write it", parent, true},
		"Unsampled": {"nobody wants to see it, but it is one", parent[:53] + "00", true},
		"Empty":     {"none", "", false},
		"Version":   {"another version may have another form", "01" + parent[2:], false},
		"Upper":     {"the standard asks for lower case", strings.ToUpper(parent), false},
		"NoTrace":   {"an id of zeros is none", "00-00000000000000000000000000000000" + parent[35:], false},
		"NoSpan":    {"an id of zeros is none", parent[:36] + "0000000000000000-01", false},
		"Long":      {"nothing may follow", parent + "-x", false},
		"Dashes":    {"parts are where they belong", strings.Replace(parent, "-b7", "b-7", 1), false},
	}
	for name, tc := range cases {
		c, ok := trace.Parse(tc.in)
		if ok != tc.ok || ok && c.String() != tc.in {
			t.Errorf("%s: %s: got %v %s", name, tc.reason, ok, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(parent)
	f.Fuzz(func(t *testing.T, in string) {
		c, ok := trace.Parse(in)
		if again, same := trace.Parse(c.String()); ok && (!same || again != c) {
			t.Errorf("%q is read as %s, and that as %s", in, c, again)
		}
	})
}

// book collects spans.
type book struct {
	mu    sync.Mutex
	spans []trace.Finished
}

func (b *book) Record(f trace.Finished) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spans = append(b.spans, f)
}

func traced(t *testing.T, r trace.Recorder) context.Context {
	t.Helper()
	c, ok := trace.Parse(parent)
	if !ok {
		t.Fatal("the test's parent is none")
	}
	return trace.With(t.Context(), c, r)
}

func TestSpansFormATree(t *testing.T) {
	t.Parallel()
	var b book
	ctx, outer := trace.StartKind(traced(t, &b), "outer", trace.KindServer)
	_, inner := trace.Start(ctx, "inner")
	inner.Set("disk", "d-1")
	inner.End(fault.NotFound("disk", "d-1"))
	inner.End(nil)
	outer.End(nil)
	if len(b.spans) != 2 {
		t.Fatalf("%d spans, want 2: only the first End counts", len(b.spans))
	}
	in, out := b.spans[0], b.spans[1]
	if out.Parent != "b7ad6b7169203331" || in.Parent != out.Span || in.Trace != out.Trace || in.Trace != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("no tree: %+v and %+v", out, in)
	}
	if in.Failure != "not_found" || out.Failure != "" || in.Attrs["disk"] != "d-1" || in.Kind != trace.KindInternal || in.End < in.Start {
		t.Errorf("inner span is %+v", in)
	}
}

func TestWithoutATraceNothingHappens(t *testing.T) {
	t.Parallel()
	var b book
	unsampled, _ := trace.Parse(parent[:53] + "00")
	for name, ctx := range map[string]context.Context{
		"NoParent": t.Context(), "Unsampled": trace.With(t.Context(), unsampled, &b), "NoRecorder": trace.With(t.Context(), unsampled, nil),
	} {
		got, span := trace.Start(ctx, "x")
		span.Set("a", "b")
		span.End(errors.New("boom"))
		if span != nil || got != ctx || len(b.spans) != 0 {
			t.Errorf("%s: a span was recorded", name)
		}
	}
}

func TestWithoutATraceNothingIsAllocated(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, span := trace.Start(ctx, "x")
		span.Set("a", "b")
		span.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLinesRoundTrip(t *testing.T) {
	t.Parallel()
	var b book
	_, span := trace.Start(traced(t, &b), "work")
	span.Set("long", strings.Repeat("é", 1000))
	for i := range 40 {
		span.Set(strings.Repeat("n", i+1), "v")
	}
	span.End(nil)
	var out bytes.Buffer
	trace.NewWriter(&out).Record(b.spans[0])
	got, err := trace.ParseLine(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Attrs) != 16 || len(got.Attrs["long"]) > 256 {
		t.Errorf("attributes are not bounded: %d, one of %d bytes", len(got.Attrs), len(got.Attrs["long"]))
	}
	want := b.spans[0]
	want.Attrs, got.Attrs = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := trace.NewWriter(&out)
	for range 100_000 {
		w.Record(trace.Finished{Name: "x"})
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n == 0 || n > 5000 {
		t.Errorf("%d of 100000 spans were written", n)
	}
}

func TestLinesAreNotTrusted(t *testing.T) {
	t.Parallel()
	good := `{"@span":{"trace":"0af7651916cd43dd8448eb211c80319c","span":"b7ad6b7169203331","parent":"b7ad6b7169203332","name":"n","kind":"client","start":1,"end":2}}`
	if _, err := trace.ParseLine([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for reason, line := range map[string]string{
		"not a span":          `{"@level":"info"}`,
		"cut":                 good[:80],
		"ends before it came": strings.Replace(good, `"end":2`, `"end":0`, 1),
		"no name":             strings.Replace(good, `"n"`, `""`, 1),
		"a long name":         strings.Replace(good, `"n"`, `"`+strings.Repeat("n", 200)+`"`, 1),
		"an id of zeros":      strings.Replace(good, "b7ad6b7169203331", "0000000000000000", 1),
		"an id that is none":  strings.Replace(good, "b7ad6b7169203331", "not hexadecimal!", 1),
		"a long attribute":    strings.Replace(good, `"end":2`, `"end":2,"attrs":{"a":"`+strings.Repeat("v", 300)+`"}`, 1),
		"a long line":         strings.Replace(good, `"end":2`, `"end":2,"x":"`+strings.Repeat("v", 20<<10)+`"`, 1),
	} {
		if f, err := trace.ParseLine([]byte(line)); err == nil {
			t.Errorf("%s is taken as %+v", reason, f)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"@span":{"trace":"0af7651916cd43dd8448eb211c80319c","span":"b7ad6b7169203331","parent":"b7ad6b7169203332","name":"n","start":1,"end":2}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := trace.ParseLine(in)
		if err == nil && (len(got.Trace) != 32 || got.End < got.Start || len(got.Attrs) > 16) {
			t.Errorf("took %+v", got)
		}
	})
}
