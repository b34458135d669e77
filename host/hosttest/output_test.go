package hosttest_test

import (
	"bufio"
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradewind.example/host"
	"tradewind.example/host/hosttest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

func regionsOf(call provider.Call) provider.RegionsRequest {
	return provider.RegionsRequest{Call: call}
}

// lines returns how many lines of output were logged and dropped.
func (tr *trap) lines(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(tr.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "tradewind_plugin_log_lines_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				out[l.GetValue()] += m.GetCounter().GetValue()
			}
		}
	}
	return out
}

// TestFloods: whatever a plugin floods, it is served, what it printed is
// bounded and counted, and its end is bounded.
func TestFloods(t *testing.T) {
	for name, tc := range map[string]struct {
		reason, program, mode string
		logged                bool
	}{
		"Stdout":    {"what is printed is the log's", withSDK, "floods-stdout", true},
		"Stderr":    {"what is logged is bounded", withSDK, "floods-stderr", true},
		"RawStdout": {"after the handshake nobody reads it as anything", raw, "floods-stdout", false},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			tr := spring(t, host.Config{Policy: prompt()}, tc.program, tc.mode)
			for range 20 {
				if _, err := tr.regions(t.Context()); err != nil {
					t.Fatalf("%s: %v", tc.reason, err)
				}
			}
			if tc.logged {
				hosttest.Eventually(t, "lines are dropped", func() bool { return tr.lines(t)["dropped"] > 1000 })
			}
			tr.stopIn(t, 6*time.Second)
			if tc.logged && len(tr.book.Lines("plugin log lines dropped")) == 0 {
				t.Errorf("%s: the drops are not told in the log", tc.reason)
			}
			const atOnce, perSecond = 4 << 20, 1 << 20
			if n, most := len(tr.book.String()), 2*(atOnce+int(time.Since(begin).Seconds()+1)*perSecond); n > most {
				t.Errorf("%s: a flood left %d bytes of log", tc.reason, n)
			}
			if st := tr.status(); st.Restarts != 0 || st.LastError != "" {
				t.Errorf("%s: status is %+v", tc.reason, st)
			}
		})
	}
}

// TestFloodCostsLittle: 10 MB of output a second cost the host little more than
// writing the same lines to a log at once does, are counted to the line, and
// show no secret. The cost of the lines is measured in the same process, so
// that the bound holds on slow machines too.
func TestFloodCostsLittle(t *testing.T) {
	const rate = 10 << 20 // bytes a second
	bare := bareFlood(t, rate)
	most := time.Duration(floodMost * float64(bare))
	tr := spring(t, host.Config{Policy: prompt()}, withSDK, "floods-stderr", strconv.Itoa(rate))
	cost := time.Hour
	for try := 0; try < 5 && cost > most; try++ {
		from, cpu, dropped := time.Now(), processorTime(t), tr.lines(t)["dropped"]
		hosttest.Eventually(t, "a second's flood is over", func() bool { return time.Since(from) > time.Second })
		cost = time.Duration(float64(processorTime(t)-cpu) / time.Since(from).Seconds())
		if more := tr.lines(t)["dropped"] - dropped; more < 1000 {
			t.Errorf("%v lines were dropped in a second: the flood is no flood", more)
		}
	}
	t.Logf("a second's flood costs %v, its lines in a log %v", cost, bare)
	if cost > most {
		t.Errorf("the host spends %v on a second's flood, a log %v", cost, bare)
	}
	tr.check(t)
	if !tr.book.Has("password=******") {
		t.Error("nothing of the flood is in the log")
	}
}

// bareFlood is the processor time of size bytes of the flood's lines, split and
// written to a log in memory; the least of three.
func bareFlood(t *testing.T, size int) time.Duration {
	t.Helper()
	line := "retrying with password=hunter2hunter2 " + strings.Repeat("p", 100) + "\n"
	text := strings.Repeat(line, size/len(line))
	least := time.Hour
	for range 3 {
		var kept bytes.Buffer
		kept.Grow(2 * size)
		log, from := slog.New(slog.NewTextHandler(&kept, nil)), processorTime(t)
		for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
			log.Info("flooded", "line", lines.Text(), "plugin", "fake")
		}
		least = min(least, processorTime(t)-from)
	}
	return least
}

// processorTime is what this process and its threads have used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLongLogLine: a line of 1 MiB becomes one bounded record of its own level,
// without the credential in it, and what follows it is whole.
func TestLongLogLine(t *testing.T) {
	tr := spring(t, host.Config{Policy: prompt()}, withSDK, "1-MiB-log-line")
	pid, call := tr.status().PID, envelope()
	call.Account.Credentials = map[string]secret.Value{"key": secret.New("hunter2-in-a-long-line")}
	for range 3 {
		if _, err := tr.plugin.Regions(t.Context(), regionsOf(call)); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Eventually(t, "all is logged", func() bool { return len(tr.book.Lines("said after it")) == 3 && len(tr.book.Lines("long ")) >= 3 })
	long := tr.book.Lines("long ")
	if len(long) != 3 {
		t.Fatalf("%d records of 3 lines", len(long))
	}
	for _, line := range long {
		if len(line) > 80<<10 || !strings.Contains(line, "level=ERROR") || !strings.Contains(line, "******") {
			t.Errorf("a record of %d bytes: %.300s", len(line), line)
		}
	}
	says(t, "the record after it", tr.book.Lines("said after it")[0], "level=WARN", "plugin=fake")
	tr.survived(t, pid)
}
