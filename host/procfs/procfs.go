// Package procfs reads what the kernel tells of one process under /proc: what
// it is, and what memory, processor time, descriptors and threads it takes. It
// changes nothing and keeps nothing. Linux only.
//
// A pid means a process only together with its start time; whoever holds on to
// a pid compares [Stat.StartTime] before trusting it.
package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, which the kernel fixes at 100 a second
// for user space on all platforms that Go runs on.
const tick = 10 * time.Millisecond

// errForm means that the kernel's text is not of the known form.
var errForm = errors.New("unknown form of a stat line")

// Stat is the part of /proc/<pid>/stat that matters here.
type Stat struct {
	State     byte   // R, S, D, Z, T …
	Group     int    // process group id
	StartTime uint64 // clock ticks since boot; with the pid it names a process for one boot
	CPU       time.Duration
	Threads   int
	Pages     int64 // resident memory, in pages of the system
}

// Ended reports whether the process has ended, be it reaped or not.
func (s Stat) Ended() bool { return s.State == 'Z' || s.State == 'X' }

// Figures are what a process takes at one moment.
type Figures struct {
	At            time.Time
	ResidentBytes int64
	CPU           time.Duration // user and system time since its start
	OpenFiles     int
	Threads       int
}

// Read returns what the process takes now. An ended process is an error.
func Read(pid int) (Figures, error) {
	st, err := ReadStat(pid)
	if err != nil {
		return Figures{}, err
	}
	if st.Ended() {
		return Figures{}, fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	files, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
	if err != nil {
		return Figures{}, err
	}
	return Figures{
		At: time.Now(), ResidentBytes: st.Pages * int64(os.Getpagesize()), CPU: st.CPU,
		OpenFiles: len(files), Threads: st.Threads,
	}, nil
}

// ReadStat reads /proc/<pid>/stat.
func ReadStat(pid int) (Stat, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(string(raw))
}

// Positions after the command name, of fields 3, 5, 14, 15, 20, 22 and 24 of proc(5).
const (
	fieldState   = 0
	fieldGroup   = 2
	fieldUser    = 11
	fieldSystem  = 12
	fieldThreads = 17
	fieldStart   = 19
	fieldPages   = 21
)

// ParseStat reads a line of that file. The command name may hold blanks and
// parentheses, so fields count from the last parenthesis.
func ParseStat(line string) (Stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return Stat{}, fmt.Errorf("%w: no command name", errForm)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) <= fieldPages || len(fields[fieldState]) != 1 {
		return Stat{}, fmt.Errorf("%w: %d fields", errForm, len(fields))
	}
	n := numbers{fields: fields}
	st := Stat{
		State: fields[fieldState][0], Group: int(n.at(fieldGroup)), StartTime: uint64(n.at(fieldStart)),
		CPU:     time.Duration(n.at(fieldUser)+n.at(fieldSystem)) * tick,
		Threads: int(n.at(fieldThreads)), Pages: n.at(fieldPages),
	}
	return st, n.err
}

// most bounds the numbers, so that sums and products of them cannot overflow.
const most = int64(1) << 38

// numbers reads fields that must be numbers and keeps the first failure.
type numbers struct {
	fields []string
	err    error
}

func (n *numbers) at(i int) int64 {
	v, err := strconv.ParseInt(n.fields[i], 10, 64)
	if err != nil || v < 0 || v > most {
		n.err = errors.Join(n.err, fmt.Errorf("%w: field %d is %q", errForm, i+3, n.fields[i]))
		return 0
	}
	return v
}
