package launch

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tradewind.example/host/procfs"
)

const (
	recordFile = "run.json"
	lockFile   = "lock"
	workFolder = "work"
	// launchVariable marks a plugin and its children with their launch folder,
	// so that a sweep finds those that outlived their group's leader.
	launchVariable = "TRADEWIND_LAUNCH"
	// maxSocketPath is what fits into sun_path on Linux besides the final zero.
	maxSocketPath = 107
	// socketName is the longest name go-plugin's server gives its socket.
	socketName   = "plugin4294967295"
	launchIDSize = 4 // bytes
)

// ErrPathTooLong means that a socket below the run folder would not fit into a
// Unix socket address.
var ErrPathTooLong = errors.New("run folder path is too long for a unix socket")

// ErrLocked means that another host works in the same run folder.
var ErrLocked = errors.New("run folder is in use by another host")

// Dir is the run folder of one host: one subfolder per running plugin process.
type Dir struct {
	path    string
	lock    *os.File
	cgroups *cgroups // nil: none is delegated
	proofs  proofs
	log     *slog.Logger
}

// record is written beside a running process, for the sweep after a crash.
type record struct {
	Name      string `json:"name"`
	PID       int    `json:"pid"`
	StartTime uint64 `json:"start_time"` // ticks since boot
	BootID    string `json:"boot_id"`
	SHA256    string `json:"sha256"`
}

// OpenDir creates (mode 0700) and locks the run folder at path and sweeps it:
// processes that a dead host left behind are killed, their folders removed. The
// path must be short, see [ErrPathTooLong]. A nil log discards.
func OpenDir(path string, log *slog.Logger) (*Dir, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolving run folder %q: %w", path, err)
	}
	if n := len(filepath.Join(abs, newLaunchID(), socketName)); n > maxSocketPath {
		return nil, fmt.Errorf("%w: %q needs %d bytes, at most %d fit; configure a shorter one",
			ErrPathTooLong, abs, n, maxSocketPath)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("creating run folder: %w", err)
	}
	d := &Dir{path: abs, log: log}
	if d.lock, err = lockFolder(abs); err != nil {
		return nil, err
	}
	if err := d.sweep(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Path returns the absolute path of the run folder.
func (d *Dir) Path() string { return d.path }

// Close gives the folder free for another host. Running processes are not
// touched: end them first.
func (d *Dir) Close() error {
	d.proofs.close()
	return d.lock.Close()
}

func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the run folder's lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %q", ErrLocked, path)
	}
	return f, nil
}

// newLaunch makes the private folder of one launch with its working folder. A
// plugin with a user of its own owns the working folder alone, and has its
// sockets there; the launch folder and what the host writes in it stay ours.
func (d *Dir) newLaunch(iso Isolation) (string, error) {
	folder := filepath.Join(d.path, newLaunchID())
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("creating launch folder: %w", err)
	}
	work := filepath.Join(folder, workFolder)
	err := os.Mkdir(work, 0o700)
	if err == nil && iso.UID != 0 {
		err = errors.Join(os.Chmod(folder, 0o711), os.Chown(work, iso.UID, iso.GID))
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("creating working folder: %w", err), os.RemoveAll(folder))
	}
	return folder, nil
}

// reachable tells why a plugin with a user of its own could not start: it must
// be able to walk to its folder and to execute the binary.
func reachable(folder string, binary *os.File) error {
	if n := len(filepath.Join(folder, newLaunchID(), workFolder, socketName)); n > maxSocketPath {
		return fmt.Errorf("%w: %q needs %d bytes, at most %d fit", ErrPathTooLong, folder, n, maxSocketPath)
	}
	for at := folder; ; at = filepath.Dir(at) {
		st, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("looking at the run folder: %w", err)
		}
		if st.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("the plugin has a user of its own, which may not walk through %q: allow it, or configure another run folder", at)
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	st, err := binary.Stat()
	if err != nil {
		return fmt.Errorf("looking at the binary: %w", err)
	}
	if st.Mode().Perm()&0o001 == 0 {
		return fmt.Errorf("the plugin has a user of its own, and others may not execute the binary (mode %s)", st.Mode().Perm())
	}
	return nil
}

func newLaunchID() string {
	var id [launchIDSize]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return hex.EncodeToString(id[:])
}

func writeRecord(folder string, r record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the run record: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, recordFile), raw, 0o600); err != nil {
		return fmt.Errorf("writing the run record: %w", err)
	}
	return nil
}

// sweep ends what earlier hosts left in the folder. It needs the lock: while it
// is held no living host owns any of the subfolders.
func (d *Dir) sweep() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("reading run folder: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || len(e.Name()) != hex.EncodedLen(launchIDSize) {
			continue
		}
		errs = append(errs, d.sweepLaunch(filepath.Join(d.path, e.Name())))
	}
	return errors.Join(errs...)
}

func (d *Dir) sweepLaunch(folder string) error {
	pids, err := leftovers(folder)
	if err != nil {
		return fmt.Errorf("sweeping %q: %w", folder, err)
	}
	for _, p := range pids {
		d.log.Warn("ending a plugin process left by an earlier host", "pid", p.pid, "folder", folder)
		if err := p.end(); err != nil {
			return fmt.Errorf("sweeping %q: %w", folder, err)
		}
	}
	return os.RemoveAll(folder)
}

// leftover is one process of an earlier host; both fields name it, so that a
// reused pid is never hit.
type leftover struct {
	pid       int
	startTime uint64
}

// leftovers finds the recorded process, if it is still the same one, and all
// processes that carry the launch's mark in their environment.
func leftovers(folder string) ([]leftover, error) {
	var found []leftover
	if r, ok := readRecord(folder); ok && alive(r.PID, r.StartTime) {
		found = append(found, leftover{r.PID, r.StartTime})
	}
	strays, err := markedBy(folder)
	return append(found, strays...), err
}

// markedBy finds the processes that carry the launch's mark.
func markedBy(folder string) ([]leftover, error) {
	pids, err := marked(launchVariable + "=" + folder)
	if err != nil {
		return nil, err
	}
	var found []leftover
	for _, pid := range pids {
		if st, err := procfs.ReadStat(pid); err == nil {
			found = append(found, leftover{pid, st.StartTime})
		}
	}
	return found, nil
}

// endMarked ends the processes that carry the launch's mark.
func (d *Dir) endMarked(folder string) error {
	strays, err := markedBy(folder)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range strays {
		d.log.Warn("ending a process that a plugin left behind", "pid", p.pid)
		errs = append(errs, p.end())
	}
	return errors.Join(errs...)
}

// readRecord reads the run record; not ok when there is none, it cannot be
// read, or it is of another boot, when no process of it can be alive.
func readRecord(folder string) (record, bool) {
	raw, err := os.ReadFile(filepath.Join(folder, recordFile))
	if err != nil {
		return record{}, false
	}
	var r record
	if json.Unmarshal(raw, &r) != nil || r.PID <= 1 {
		return record{}, false
	}
	boot, err := bootID()
	return r, err == nil && boot == r.BootID
}

// end kills the process through a descriptor taken before its start time is
// checked: from then on the pid cannot come to mean another process.
func (l leftover) end() error {
	fd, err := unix.PidfdOpen(l.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening process %d: %w", l.pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !alive(l.pid, l.startTime) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("killing process %d: %w", l.pid, err)
	}
	return waitReadable(fd, sweepWait)
}

const sweepWait = 2 * time.Second

// waitReadable waits until the process behind a pidfd has ended.
func waitReadable(fd int, bound time.Duration) error {
	deadline := time.Now().Add(bound)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("process did not end within %s of its kill", bound)
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for a killed process: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}
