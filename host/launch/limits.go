package launch

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopAtExec makes the child stop after it became the plugin's program and
// before that program's first instruction, so that limits are in force by then.
// The host's thread that started it, which stays for the process's whole life,
// is its tracer until [Process.letGo].
func (p *Process) stopAtExec(attr *os.ProcAttr) *os.ProcAttr {
	traced, sys := *attr, *attr.Sys
	sys.Ptrace = true
	traced.Sys = &sys
	return &traced
}

// startLimited starts the process with its limits in force. Where the system
// forbids tracing they are set right after the start.
func (p *Process) startLimited(argv []string, attr *os.ProcAttr) (*os.Process, error) {
	proc, err := startRetry(argv, p.stopAtExec(attr))
	if err == nil {
		p.applied.BeforeExec = stopped(proc.Pid)
		p.limit(proc.Pid)
		return proc, nil
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS) {
		return nil, err
	}
	if proc, err = startRetry(argv, attr); err == nil {
		p.limit(proc.Pid)
	}
	return proc, err
}

// stopped waits for the traced child's stop and reports whether it stands: a
// child that was killed before that has only to be reaped.
func stopped(pid int) bool {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		const trapped = 4 // CLD_TRAPPED of waitid(2)
		return err == nil && info.Code == trapped
	}
}

// letGo ends the tracing: the program begins to run.
func (p *Process) letGo(pid int) {
	if !p.applied.BeforeExec {
		return
	}
	if err := unix.PtraceDetach(pid); err != nil && !errors.Is(err, unix.ESRCH) {
		p.log.Error("letting a plugin process begin failed", "plugin", p.cfg.Name, "pid", pid, "error", err)
	}
}

// limit sets the resource limits of the process.
func (p *Process) limit(pid int) {
	iso := p.cfg.Isolation
	set := func(what string, resource int, n uint64) {
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			p.miss(what, err)
		}
	}
	set("the ban on core dumps", unix.RLIMIT_CORE, 0)
	set("the limit of open files", unix.RLIMIT_NOFILE, uint64(iso.OpenFiles))
	if iso.UID != 0 && iso.MaxProcesses > 0 {
		set("the limit of processes", unix.RLIMIT_NPROC, uint64(iso.MaxProcesses))
	}
}

// miss notes a part of the isolation that does not hold.
func (p *Process) miss(what string, why error) {
	p.applied.Missing = append(p.applied.Missing, fmt.Sprintf("%s: %v", what, why))
	p.log.Warn("a plugin's isolation is incomplete", "plugin", p.cfg.Name, "missing", what, "error", why)
}

// credential is the plugin's own user; nil: the host's.
func (i Isolation) credential() *syscall.Credential {
	if i.UID == 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(i.UID), Gid: uint32(i.GID)}
}
