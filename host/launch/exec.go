package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The descriptors a plugin starts with besides the standard three.
const (
	binaryFD   = 3
	lifelineFD = 4
)

const (
	busyTries = 20
	busyPause = 5 * time.Millisecond
)

// run starts the process and stays with it until everything of it is put away.
//
// The goroutine keeps its OS thread for the process's whole life, since Linux
// sends the parent-death signal when the thread that started the process ends.
// The thread is never given back: it has its own umask.
func (p *Process) run(ready chan<- error) {
	runtime.LockOSThread()
	p.setUmask()

	proc, err := p.exec()
	_ = p.cfg.Binary.Close()
	if err != nil {
		p.discardFailed()
		ready <- err
		return
	}
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		p.stderr.pump(&p.tail, p.cfg.Stderr)
	}()
	p.settle(proc)
	ready <- nil

	p.reap(proc)
	p.putAway(pumped)
}

// setUmask gives this thread its own umask 077, which the child inherits. Where
// the kernel forbids that, the folder of mode 0700 still keeps others out.
func (p *Process) setUmask() {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		p.log.Debug("plugin keeps the host's umask", "error", err)
		return
	}
	unix.Umask(0o077)
}

// exec opens the pipes and executes the verified descriptor.
func (p *Process) exec() (*os.Process, error) {
	files, err := p.openFiles()
	defer files.closeChild()
	if err != nil {
		files.closeHost()
		return nil, err
	}
	attr := &os.ProcAttr{
		Dir:   filepath.Join(p.folder, workFolder),
		Env:   p.environment(),
		Files: []*os.File{files.null, files.outW, files.errW, binaryFD: p.cfg.Binary, lifelineFD: files.lifeR},
		Sys:   &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL},
	}
	proc, err := startRetry(append([]string{p.cfg.Name}, p.cfg.Args...), attr)
	if err != nil {
		files.closeHost()
		return nil, err
	}
	p.stdout, p.stderr = newPipe(files.outR), newPipe(files.errR)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifeline, p.pid = files.lifeW, proc.Pid
	if p.killed {
		p.killGroup()
	}
	return proc, nil
}

// startRetry starts the process behind descriptor 3. A binary that was written
// a moment ago can still be open for writing in a child that another goroutine
// is just forking; that passes within milliseconds.
func startRetry(argv []string, attr *os.ProcAttr) (*os.Process, error) {
	path := "/proc/self/fd/" + strconv.Itoa(binaryFD)
	for try := 1; ; try++ {
		proc, err := os.StartProcess(path, argv, attr)
		if !errors.Is(err, unix.ETXTBSY) || try == busyTries {
			return proc, err
		}
		<-time.After(busyPause)
	}
}

func (p *Process) environment() []string {
	work := filepath.Join(p.folder, workFolder)
	return withVariables(p.cfg.Env,
		"HOME="+work,
		"TMPDIR="+work,
		launchVariable+"="+p.folder,
		LifelineVariable+"="+strconv.Itoa(lifelineFD),
	)
}

// settle sets what can only be set on a running process, and records it.
func (p *Process) settle(proc *os.Process) {
	if err := unix.Prlimit(proc.Pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil {
		p.log.Warn("forbidding core dumps failed", "plugin", p.cfg.Name, "pid", proc.Pid, "error", err)
	}
	if err := p.record(proc.Pid); err != nil {
		p.log.Warn("recording a plugin process failed", "plugin", p.cfg.Name, "pid", proc.Pid, "error", err)
	}
}

func (p *Process) record(pid int) error {
	stat, err := readStat(pid)
	if err != nil {
		return fmt.Errorf("reading start time: %w", err)
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	return writeRecord(p.folder, record{
		Name: p.cfg.Name, PID: pid, StartTime: stat.startTime, BootID: boot, SHA256: p.hash,
	})
}

// reap waits for the leader's end without reaping it, kills what is left of
// its group while the group's id is still ours, and only then reaps.
func (p *Process) reap(proc *os.Process) {
	for {
		err := unix.Waitid(unix.P_PID, proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killGroup()
	state, err := proc.Wait()
	if err != nil {
		p.log.Error("reaping a plugin process failed", "plugin", p.cfg.Name, "pid", proc.Pid, "error", err)
	}
	p.state, p.reaped = state, true
	close(p.exited)
}

// putAway closes the pipes once they are read to their end, or a bounded time
// later when a descendant outside the group still holds them.
func (p *Process) putAway(pumped <-chan struct{}) {
	_ = p.lifeline.Close()
	bound := time.NewTimer(pipeWait)
	defer bound.Stop()
	for _, end := range []<-chan struct{}{p.stderr.ended, p.stdout.ended} {
		select {
		case <-end:
		case <-bound.C:
			bound.Reset(0) // the bound is for both together
		}
	}
	_ = p.stderr.Close()
	_ = p.stdout.Close()
	<-pumped
	p.removeFolder()
	close(p.done)
}

func (p *Process) discardFailed() {
	p.removeFolder()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	close(p.exited)
	close(p.done)
}
