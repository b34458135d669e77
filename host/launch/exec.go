package launch

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tradewind.example/host/procfs"
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

// exec opens the pipes and executes the verified descriptor. The process has
// its limits; where that is possible it waits with its first instruction for
// [Process.letGo].
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
		Sys:   &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL, Credential: p.cfg.Isolation.credential()},
	}
	p.enterCgroup(attr.Sys)
	begin := time.Now()
	proc, err := p.startLimited(append([]string{p.cfg.Name}, p.cfg.Args...), attr)
	if err == nil {
		err = p.endIfWritten(proc)
	}
	if err != nil {
		files.closeHost()
		return nil, err
	}
	p.stdout, p.stderr = newPipe(files.outR), newPipe(files.errR)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifeline, p.pid = files.lifeW, proc.Pid
	p.begun, p.execTook = begin, time.Since(begin)
	if p.killed {
		p.killGroup()
	}
	return proc, nil
}

// endIfWritten ends the process when the binary could have been written between
// its hash and now. From now on the kernel lets nobody write it: it runs. Where
// the process waits for [Process.letGo], nothing of it has run yet.
func (p *Process) endIfWritten(proc *os.Process) error {
	if !p.binary.refuted() {
		return nil
	}
	_ = proc.Kill() // it cannot have ended: nobody has waited for it
	_, err := proc.Wait()
	return errors.Join(fmt.Errorf("%w: somebody opened it for writing while it was started", ErrHash), err)
}

// enterCgroup lets the process begin in a cgroup of its own, if there can be one.
func (p *Process) enterCgroup(sys *unix.SysProcAttr) {
	l, missing, err := p.cfg.Dir.cgroups.newLeaf(filepath.Base(p.folder), p.cfg.Isolation)
	if err != nil {
		for _, b := range p.cfg.Isolation.bounds() {
			p.applied.Missing = append(p.applied.Missing, b.what+": "+err.Error())
		}
		if !errors.Is(err, errNoCgroup) {
			p.miss("a cgroup", err)
		}
		return
	}
	for _, what := range slices.Sorted(maps.Keys(missing)) {
		p.miss(what, missing[what])
	}
	p.leaf, p.applied.Cgroup = l, l.path
	sys.UseCgroupFD, sys.CgroupFD = true, int(l.dir.Fd())
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
	return withVariables(p.cfg.Isolation.variables(p.cfg.Env),
		"HOME="+work,
		"TMPDIR="+work,
		launchVariable+"="+p.folder,
		LifelineVariable+"="+strconv.Itoa(lifelineFD),
	)
}

// settle records the process and lets its program begin.
func (p *Process) settle(proc *os.Process) {
	if err := p.record(proc.Pid); err != nil {
		p.log.Warn("recording a plugin process failed", "plugin", p.cfg.Name, "pid", proc.Pid, "error", err)
	}
	p.letGo(proc.Pid)
}

func (p *Process) record(pid int) error {
	stat, err := procfs.ReadStat(pid)
	if err != nil {
		return fmt.Errorf("reading start time: %w", err)
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	return writeRecord(p.folder, record{
		Name: p.cfg.Name, PID: pid, StartTime: stat.StartTime, BootID: boot, SHA256: p.binary.hash,
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
	p.killedFirst = p.killed
	p.killGroup()
	state, err := proc.Wait()
	if err != nil {
		p.log.Error("reaping a plugin process failed", "plugin", p.cfg.Name, "pid", proc.Pid, "error", err)
	}
	p.state, p.reaped, p.endedAt = state, true, time.Now()
	p.starved = p.leaf != nil && p.leaf.outOfMemory()
	p.shortage = !p.killed && oomKills() > p.oomBefore
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
	p.endStrays()
	p.removeFolder()
	close(p.done)
}

// endStrays ends what the plugin started in groups of its own: all of its
// cgroup, and without one what still carries the launch's mark.
func (p *Process) endStrays() {
	if p.leaf != nil {
		p.removeLeaf()
		return
	}
	if err := p.cfg.Dir.endMarked(p.folder); err != nil {
		p.log.Warn("ending what a plugin started failed", "plugin", p.cfg.Name, "error", err)
	}
}

func (p *Process) removeLeaf() {
	if p.leaf == nil {
		return
	}
	_ = p.leaf.dir.Close()
	if err := errors.Join(p.leaf.kill(), p.leaf.remove()); err != nil {
		p.log.Warn("removing a plugin's cgroup failed", "plugin", p.cfg.Name, "error", err)
	}
}

func (p *Process) discardFailed() {
	p.removeLeaf()
	p.removeFolder()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	close(p.exited)
	close(p.done)
}
