package launch

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/procfs"
)

func TestSelfIsAlive(t *testing.T) {
	t.Parallel()
	st, err := procfs.ReadStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !alive(os.Getpid(), st.StartTime) {
		t.Error("this process counts as ended")
	}
	if alive(os.Getpid(), st.StartTime+1) {
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
