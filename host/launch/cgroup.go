package launch

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// errNoCgroup means that the host was given no cgroup to work in.
var errNoCgroup = errors.New("no cgroup is delegated to the host")

// errController means that a cgroup lacks the controller for a bound.
var errController = errors.New("the controller is not enabled in the delegated cgroup")

// cgroups makes one leaf per launch below a delegated cgroup v2 folder.
type cgroups struct {
	parent string
	prefix string // of our leaves; other hosts may work in the same parent
}

// UseCgroup makes later launches run in leaves below path, a cgroup v2 folder
// that was delegated to the host, and removes what earlier hosts with this run
// folder left there. The host itself must not be in path, or the kernel refuses
// limits below it.
func (d *Dir) UseCgroup(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return fmt.Errorf("opening cgroup %q: %w", path, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return fmt.Errorf("opening cgroup %q: not a cgroup v2 folder", path)
	}
	sum := sha256.Sum256([]byte(d.path))
	c := &cgroups{parent: path, prefix: "tradewind-" + hex.EncodeToString(sum[:4]) + "-"}
	if err := c.sweep(); err != nil {
		return err
	}
	d.cgroups = c
	return nil
}

// sweep ends what runs in leaves of earlier hosts; the run folder's lock tells
// that none of them lives.
func (c *cgroups) sweep() error {
	left, err := filepath.Glob(filepath.Join(c.parent, c.prefix+"*"))
	if err != nil {
		return fmt.Errorf("listing cgroups: %w", err)
	}
	var errs []error
	for _, path := range left {
		l := &leaf{path: path}
		errs = append(errs, l.kill(), l.remove())
	}
	return errors.Join(errs...)
}

// leaf is the cgroup of one launch.
type leaf struct {
	path string
	dir  *os.File // for the start only
}

// newLeaf makes the leaf and sets its bounds; missing tells which could not be set.
func (c *cgroups) newLeaf(id string, iso Isolation) (l *leaf, missing map[string]error, err error) {
	if c == nil {
		return nil, nil, errNoCgroup
	}
	l = &leaf{path: filepath.Join(c.parent, c.prefix+id)}
	if err := os.Mkdir(l.path, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making a cgroup: %w", err)
	}
	if l.dir, err = os.Open(l.path); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening a cgroup: %w", err), l.remove())
	}
	missing = map[string]error{}
	for _, b := range iso.bounds() {
		if err := l.write(b.file, b.value); err != nil {
			missing[b.what] = err
		}
	}
	return l, missing, nil
}

// bound is one line that goes into a file of a cgroup.
type bound struct{ what, file, value string }

// cpuPeriod is the span over which processor time is counted, in microseconds.
const cpuPeriod = 100_000

func (i Isolation) bounds() []bound {
	var out []bound
	if i.MemoryBytes > 0 {
		out = append(out,
			bound{"the hard limit of memory", "memory.max", strconv.FormatInt(i.MemoryBytes, 10)},
			bound{"the end of all its processes when memory is short", "memory.oom.group", "1"})
	}
	if i.CPUMillis > 0 {
		out = append(out, bound{
			"the hard limit of processor time", "cpu.max",
			fmt.Sprintf("%d %d", i.CPUMillis*(cpuPeriod/1000), cpuPeriod),
		})
	}
	if i.MaxProcesses > 0 {
		out = append(out, bound{"the limit of processes", "pids.max", strconv.Itoa(i.MaxProcesses)})
	}
	return out
}

func (l *leaf) write(file, value string) error {
	f, err := os.OpenFile(filepath.Join(l.path, file), os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return errController
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// kill ends every process in the leaf, whatever group or session it is in.
func (l *leaf) kill() error {
	if err := l.write("cgroup.kill", "1"); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("ending a cgroup: %w", err)
	}
	return nil
}

const (
	removeTries = 50
	removePause = 10 * time.Millisecond
)

// remove removes the leaf, which the kernel allows a moment after its last
// process was killed.
func (l *leaf) remove() error {
	for try := 1; ; try++ {
		err := os.Remove(l.path)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || try == removeTries {
			return fmt.Errorf("removing a cgroup: %w", err)
		}
		<-time.After(removePause)
	}
}

// outOfMemory reports whether the kernel killed a process of the leaf for
// taking more memory than it may.
func (l *leaf) outOfMemory() bool {
	raw, err := os.ReadFile(filepath.Join(l.path, "memory.events"))
	if err != nil {
		return false
	}
	return eventCount(raw, "oom_kill") > 0
}

// eventCount reads one counter of a file of "name count" lines; 0 when it is not there.
func eventCount(raw []byte, name string) int {
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}
