package procfs_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/host/procfs"
)

// line is a stat line with the given command, state, group, times and so on.
func line(command, state, group, user, system, threads, start, pages string) string {
	return "7 (" + command + ") " + state + " 1 " + group + strings.Repeat(" 0", 8) + " " + user + " " + system +
		" 0 0 20 0 " + threads + " 0 " + start + " 4096 " + pages + " 18446744073709551615 0\n"
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	good := procfs.Stat{State: 'S', Group: 7, StartTime: 99, CPU: 50 * time.Millisecond, Threads: 4, Pages: 12}
	cases := map[string]struct {
		reason, in string
		want       procfs.Stat
		fails      bool
	}{
		"Plain":     {reason: "times are hundredths of a second", in: line("a", "S", "7", "2", "3", "4", "99", "12"), want: good},
		"OddName":   {reason: "a name may hold blanks and parentheses", in: line("b) Z 1 8 (x", "S", "7", "2", "3", "4", "99", "12"), want: good},
		"NoName":    {reason: "garbage is refused", in: "7 a S", fails: true},
		"TooShort":  {reason: "a cut line is refused", in: "7 (a) S 1 7", fails: true},
		"BadGroup":  {reason: "numbers are numbers", in: line("a", "S", "x", "2", "3", "4", "99", "12"), fails: true},
		"Negative":  {reason: "nothing here is negative", in: line("a", "S", "7", "2", "3", "4", "-1", "12"), fails: true},
		"LongState": {reason: "a state is one letter", in: line("a", "SS", "7", "2", "3", "4", "99", "12"), fails: true},
		"Huge":      {reason: "no sum may overflow", in: line("a", "S", "7", "9223372036854775807", "1", "4", "99", "12"), fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := procfs.ParseStat(tc.in)
			if (err != nil) != tc.fails {
				t.Fatalf("%s: error %v", tc.reason, err)
			}
			if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add(line("a", "S", "7", "2", "3", "4", "99", "12"))
	f.Add(line("a) (b", "Z", "0", "0", "0", "0", "0", "0"))
	f.Add("7 (a")
	f.Fuzz(func(t *testing.T, in string) {
		st, err := procfs.ParseStat(in)
		if err == nil && (st.CPU < 0 || st.Threads < 0 || st.Pages < 0 || st.Group < 0) {
			t.Errorf("negative figures: %+v", st)
		}
	})
}

func TestOwnFigures(t *testing.T) {
	t.Parallel()
	got, err := procfs.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if got.ResidentBytes < 1<<20 || got.OpenFiles < 3 || got.Threads < 1 || got.At.IsZero() {
		t.Errorf("implausible figures: %+v", got)
	}
	if _, err := procfs.Read(1 << 30); err == nil {
		t.Error("a process that does not exist has figures")
	}
}
