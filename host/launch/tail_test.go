package launch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTailKeepsTheLastLines: however the stream is cut into pieces.
func TestTailKeepsTheLastLines(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 500 {
		all = append(all, fmt.Sprintf("%d%s", i, strings.Repeat("x", i*7%900)))
	}
	var want []string
	for _, line := range all[len(all)-tailLines:] {
		want = append(want, line[:min(len(line), tailLineSize)])
	}
	text := strings.Join(all, "\n") + "\n"
	for range 200 {
		var tl tail
		for rest := text; rest != ""; {
			n := min(len(rest), 1+rand.IntN(32<<10))
			if wrote, err := tl.Write([]byte(rest[:n])); wrote != n || err != nil {
				t.Fatalf("wrote %d of %d, %v", wrote, n, err)
			}
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, tl.Lines()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestTailShowsAnUnfinishedLine(t *testing.T) {
	t.Parallel()
	var tl tail
	_, _ = tl.Write([]byte("one\n\n  \ntw"))
	_, _ = tl.Write([]byte("o"))
	if diff := cmp.Diff([]string{"one", "two"}, tl.Lines()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkTailInAFlood(b *testing.B) {
	var tl tail
	chunk := []byte(strings.Repeat(strings.Repeat("f", 199)+"\n", pumpBuffer/200))
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = tl.Write(chunk)
	}
}
