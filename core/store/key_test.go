package store_test

import (
	"bytes"
	"cmp"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tradewind.example/core/store"
)

type (
	word   string
	number int16
	size   uint8
	blob   []byte
)

func TestKeyOrder(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		reason string
		keys   [][]byte // ascending
	}{
		"Text":    {"a shorter text before its extensions", [][]byte{store.Key(""), store.Key("\x00"), store.Key("a"), store.Key("a\x00"), store.Key("a\x01"), store.Key("ab"), store.Key("b"), store.Key("\xff"), store.Key("\xff\xff")}},
		"Tuple":   {"the first part decides before the second", [][]byte{store.Key("a", 9), store.Key("a\x00", 1), store.Key("ab", 0), store.Key("b", -9)}},
		"Parent":  {"a tuple before those that extend it", [][]byte{store.Key("a"), store.Key("a", ""), store.Key("a", "x"), store.Key("b")}},
		"Integer": {"negative before positive", [][]byte{store.Key(int64(math.MinInt64)), store.Key(-2), store.Key(-1), store.Key(0), store.Key(1), store.Key(256), store.Key(int64(math.MaxInt64))}},
		"Natural": {"to the greatest", [][]byte{store.Key(uint64(0)), store.Key(uint64(1)), store.Key(uint64(math.MaxInt64)), store.Key(uint64(math.MaxUint64))}},
		"Time":    {"years before and after the range count as its ends", [][]byte{store.Key(time.Unix(0, math.MinInt64)), store.Key(time.Unix(-1, 0)), store.Key(day), store.Key(day.Add(1)), store.Key(day.Add(time.Hour))}},
		"Bool":    {"false before true", [][]byte{store.Key(false), store.Key(true)}},
		"Named":   {"named kinds sort as what they are", [][]byte{store.Key(word("a"), number(-1)), store.Key(word("a"), number(2)), store.Key(word("b"), number(-5))}},
		"Size":    {"small unsigned kinds too", [][]byte{store.Key(size(1)), store.Key(size(200))}},
	}
	for name, tc := range cases {
		for i := 1; i < len(tc.keys); i++ {
			if bytes.Compare(tc.keys[i-1], tc.keys[i]) >= 0 {
				t.Errorf("%s: %s: key %d does not come before key %d", name, tc.reason, i-1, i)
			}
		}
	}
}

func TestKeySameKinds(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		reason string
		a, b   []byte
	}{
		"Bytes":   {"bytes are text", store.Key([]byte("a\x00")), store.Key("a\x00")},
		"Blob":    {"a named slice is bytes", store.Key(blob("a")), store.Key("a")},
		"Word":    {"a named text is text", store.Key(word("a")), store.Key("a")},
		"Int":     {"an int is an int64", store.Key(7), store.Key(int64(7))},
		"Zone":    {"an instant is one in every zone", store.Key(day), store.Key(day.In(time.FixedZone("east", 3600)))},
		"Zero":    {"the zero time counts as the earliest", store.Key(time.Time{}), store.Key(time.Unix(0, math.MinInt64))},
		"FarAway": {"a far time counts as the latest", store.Key(day.AddDate(5000, 0, 0)), store.Key(time.Unix(0, math.MaxInt64))},
	}
	for name, tc := range cases {
		if !bytes.Equal(tc.a, tc.b) {
			t.Errorf("%s: %s: %x and %x", name, tc.reason, tc.a, tc.b)
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	t.Parallel()
	for reason, part := range map[string]any{
		"a floating number has no place in a key": 1.5, "nil is no part": nil, "a struct is no part": struct{}{},
		"a list of texts is no part": []string{"a"}, "a pointer is no part": new(int),
	} {
		if k := store.Key("a", part); k != nil {
			t.Errorf("%s: got %x", reason, k)
		}
		if r := store.Prefix("a", part); !bytes.Equal(r.From, r.To) || r.From == nil {
			t.Errorf("%s: its prefix covers %x..%x", reason, r.From, r.To)
		}
	}
}

func TestPrefixCovers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune{0, 1, 'a', 'b', 0xFF}))
		head, other := text.Draw(t, "head"), text.Draw(t, "other")
		n := rapid.Int64().Draw(t, "n")
		span := store.Prefix(head)
		covered := func(k []byte) bool {
			return bytes.Compare(span.From, k) <= 0 && (span.To == nil || bytes.Compare(k, span.To) < 0)
		}
		if !covered(store.Key(head)) || !covered(store.Key(head, n)) || !covered(store.Key(head, other, n)) {
			t.Errorf("Prefix(%q) leaves out its own", head)
		}
		if head != other && (covered(store.Key(other)) || covered(store.Key(other, n))) {
			t.Errorf("Prefix(%q) covers %q", head, other)
		}
	})
}

func TestKeyOrderIsTupleOrder(t *testing.T) {
	t.Parallel()
	type tuple struct {
		s string
		n int64
		u uint64
		t string
	}
	draw := func(t *rapid.T, name string) tuple {
		text := rapid.StringOfN(rapid.RuneFrom([]rune{0, 1, 2, 'a', 0xFF}), 0, 3, -1)
		return tuple{text.Draw(t, name+"s"), rapid.Int64Range(-2, 2).Draw(t, name+"n"), rapid.Uint64().Draw(t, name+"u"), text.Draw(t, name+"t")}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		want := cmp.Or(cmp.Compare(a.s, b.s), cmp.Compare(a.n, b.n), cmp.Compare(a.u, b.u), cmp.Compare(a.t, b.t))
		if got := bytes.Compare(store.Key(a.s, a.n, a.u, a.t), store.Key(b.s, b.n, b.u, b.t)); got != want {
			t.Errorf("%+v and %+v: keys compare %d, tuples %d", a, b, got, want)
		}
	})
}

func TestRangeCuts(t *testing.T) {
	t.Parallel()
	base := store.Range{From: []byte("a"), To: []byte("b"), Reverse: true, Limit: 3}
	if r := base.First(2); r.Reverse || r.Limit != 2 {
		t.Errorf("First: %+v", r)
	}
	if r := base.Last(2); !r.Reverse || r.Limit != 2 {
		t.Errorf("Last: %+v", r)
	}
	if r := base.All(); r.Reverse || r.Limit != store.NoLimit {
		t.Errorf("All: %+v", r)
	}
	if r := store.PrefixOf([]byte{0xFF, 0xFF}); r.To != nil {
		t.Errorf("after the last byte nothing comes: %x", r.To)
	}
}

func BenchmarkKey(b *testing.B) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		_ = store.Key("0190f5fe-7c00-7a3b-8d2e-0123456789ab", now)
	}
}
