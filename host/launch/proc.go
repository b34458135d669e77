package launch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tradewind.example/host/procfs"
)

// alive reports whether pid is the process that started at startTime and has
// not ended: a zombie counts as ended, also where nobody reaps it.
func alive(pid int, startTime uint64) bool {
	st, err := procfs.ReadStat(pid)
	return err == nil && st.StartTime == startTime && !st.Ended()
}

// bootID names this boot of the machine; start times mean nothing across boots.
func bootID() (string, error) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading the boot id: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// marked returns the pids of all readable processes whose environment holds
// the variable assignment mark.
func marked(mark string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && hasVariable(env, mark) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func hasVariable(environ []byte, assignment string) bool {
	for v := range bytes.SplitSeq(environ, []byte{0}) {
		if string(v) == assignment {
			return true
		}
	}
	return false
}
