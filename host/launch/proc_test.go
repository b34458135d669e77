package launch

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	tail := strings.Repeat(" 0", 16)
	cases := map[string]struct {
		reason string
		in     string
		want   procStat
		fails  bool
	}{
		"Plain":       {reason: "fields 3, 5 and 22 count", in: "7 (a) S 1 7" + tail + " 99 1", want: procStat{'S', 7, 99}},
		"OddName":     {reason: "a name may hold blanks and parentheses", in: "7 (a) R 9 (b) Z 1 8" + tail + " 5 1", want: procStat{'Z', 8, 5}},
		"NoName":      {reason: "garbage is refused", in: "7 a S", fails: true},
		"TooShort":    {reason: "a cut line is refused", in: "7 (a) S 1 7", fails: true},
		"BadGroup":    {reason: "numbers are numbers", in: "7 (a) S 1 x" + tail + " 99 1", fails: true},
		"BadStarting": {reason: "numbers are numbers", in: "7 (a) S 1 7" + tail + " -1 1", fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(tc.in)
			if (err != nil) != tc.fails {
				t.Fatalf("%s: error %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(procStat{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSelfIsAlive(t *testing.T) {
	t.Parallel()
	st, err := readStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !alive(os.Getpid(), st.startTime) {
		t.Error("this process counts as ended")
	}
	if alive(os.Getpid(), st.startTime+1) {
		t.Error("a process with another start time counts as the same")
	}
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*maxHandshake)
	cases := map[string]struct {
		reason, in, want string
	}{
		"LineThenFlood": {reason: "only the first line passes", in: "hello\n" + long, want: "hello\n"},
		"NoNewline":     {reason: "a short stream passes whole", in: "hello", want: "hello"},
		"Empty":         {reason: "nothing is nothing"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(newFirstLine(io.NopCloser(strings.NewReader(tc.in))))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
	got, err := io.ReadAll(newFirstLine(io.NopCloser(strings.NewReader(long))))
	if err != nil || len(got) > maxHandshake+64<<10 || !bytes.HasSuffix(got, []byte("\n")) {
		t.Errorf("an endless line gave %d bytes, %v", len(got), err)
	}
}

func TestWithVariables(t *testing.T) {
	t.Parallel()
	got := withVariables([]string{"A=1", "B=2", "AB=3"}, "A=9", "C=4")
	if diff := cmp.Diff([]string{"B=2", "AB=3", "A=9", "C=4"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
