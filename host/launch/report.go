package launch

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// End is how a process ended.
type End struct {
	At     time.Time
	Uptime time.Duration
	Status int    // exit status; -1 when a signal ended it
	Signal string // "SIGSEGV"; "" when it ended by itself
	Killed bool   // the host killed it
	// OutOfMemory tells that its cgroup had no memory left.
	OutOfMemory bool
	CPU         time.Duration // user and system time of its whole life
}

// End returns how the process ended; false while it has not, or never ran.
func (p *Process) End() (End, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == nil {
		return End{}, false
	}
	e := End{
		At: p.endedAt, Uptime: p.endedAt.Sub(p.begun), Status: p.state.ExitCode(),
		OutOfMemory: p.starved, CPU: p.state.UserTime() + p.state.SystemTime(),
	}
	if status, ok := p.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = unix.SignalName(status.Signal())
		e.Killed = p.killedFirst && status.Signal() == unix.SIGKILL
	}
	return e, true
}

// Applied returns what of the isolation holds. Valid after Start.
func (p *Process) Applied() Applied { return p.applied }

// Executed returns when the process was started and how long that took until
// its program was loaded; zero when it never was.
func (p *Process) Executed() (at time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun, p.execTook
}

// Tail returns the last lines of standard error, oldest first, each passed
// through mask and then cut to a bounded length.
func (p *Process) Tail(mask func(string) string) []string {
	lines := p.tail.Lines()
	for i, line := range lines {
		line = mask(line)
		lines[i] = strings.ToValidUTF8(line[:min(len(line), shownSize)], "")
	}
	return lines
}

// Report says on a few lines what is known of the process: how it ended and
// the last lines of its standard error. It is for people. The lines may hold
// secrets that the plugin prints: mask hides them.
func (p *Process) Report(mask func(string) string) string {
	p.mu.Lock()
	state, pid, hint := p.state, p.pid, p.hint()
	p.mu.Unlock()
	var b strings.Builder
	switch {
	case state != nil:
		b.WriteString(describeExit(state) + hint)
	case pid != 0:
		b.WriteString("still running as pid " + strconv.Itoa(pid))
	default:
		b.WriteString("never ran")
	}
	for _, line := range p.Tail(mask) {
		b.WriteString("\n" + line)
	}
	return b.String()
}

func describeExit(state *os.ProcessState) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "ended by signal " + unix.SignalName(status.Signal())
	}
	return "ended with status " + strconv.Itoa(state.ExitCode())
}

// hint says what is known of why. It needs the lock.
func (p *Process) hint() string {
	if p.state == nil {
		return ""
	}
	status, ok := p.state.Sys().(syscall.WaitStatus)
	killed := ok && status.Signaled() && status.Signal() == unix.SIGKILL
	switch {
	case p.starved:
		return fmt.Sprintf(" (out of memory: its limit is %d bytes)", p.cfg.Isolation.MemoryBytes)
	case killed && p.killedFirst:
		return " (killed by the host)"
	case killed && p.shortage:
		return " (not by the host; the system killed processes for lack of memory meanwhile)"
	case killed:
		return " (not by the host; the system does that when memory is short)"
	}
	return ""
}

// oomKills counts the processes that the system has killed for lack of memory
// since it booted; 0 where it does not tell.
func oomKills() int {
	raw, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	return eventCount(raw, "oom_kill")
}
