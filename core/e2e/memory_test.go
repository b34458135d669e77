package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mostAtRest is what an idle broker may hold, in KiB.
const mostAtRest = 60 << 10

// TestTheFirstStartComesToRest: the hash of the first password takes as much
// memory as the broker itself, and gives it back.
func TestTheFirstStartComesToRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := programs.program(t, "..", "", "./cmd/tradewind")
	p := start(t, filepath.Join(dir, "log"), nil, broker, "serve", "--set", "listen=127.0.0.1:0", "--set", "data_dir="+filepath.Join(dir, "data"),
		"--set", "keyset_file="+filepath.Join(dir, "keys", "keyset.json"), "--set", "plugins.dir="+filepath.Join(dir, "plugins"))
	serving := time.NewTimer(30 * time.Second)
	defer serving.Stop()
	for ready := false; !ready; {
		select {
		case line, more := <-p.lines:
			if ready = strings.HasPrefix(line, "serving at "); !more {
				t.Fatal("the broker ended")
			}
		case <-serving.C:
			t.Fatal("the broker does not serve")
		}
	}
	end := time.Now().Add(4 * time.Second)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for ; time.Now().Before(end); <-tick.C {
		if kib := resident(t, p.cmd.Process.Pid); kib > mostAtRest {
			t.Fatalf("after its first start the broker holds %d KiB, want at most %d", kib, mostAtRest)
		}
	}
}

// resident is the memory of a process that is in RAM, in KiB.
func resident(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("reading %s: %v", status, err)
	}
	return kib
}
