package launch

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
)

// Isolation bounds what one plugin process may take. The zero value gives a
// plugin the default number of descriptors, no core dumps and the host's user;
// every other zero field sets no bound.
type Isolation struct {
	// MemoryBytes bounds memory: nine tenths of it softly, through Go's garbage
	// collector, and all of it hard where a cgroup with that controller is
	// delegated. Elsewhere a process that a probe finds beyond it is ended. The
	// address space is never bounded: Go reserves far more of it
	// than it uses.
	MemoryBytes int64 `yaml:"memory_bytes,omitempty" json:"memory_bytes,omitempty"`
	// CPUMillis bounds processor time, in thousandths of one processor: hard in
	// a cgroup, and rounded up as the number of threads that run Go code.
	CPUMillis int `yaml:"cpu_millis,omitempty" json:"cpu_millis,omitempty"`
	// MaxProcesses bounds processes and threads: in a cgroup, and as RLIMIT_NPROC
	// where the plugin has a user of its own, since that limit counts per user.
	MaxProcesses int `yaml:"max_processes,omitempty" json:"max_processes,omitempty"`
	// OpenFiles bounds descriptors; 0: [DefaultOpenFiles].
	OpenFiles int `yaml:"open_files,omitempty" json:"open_files,omitempty"`
	// UID and GID are the plugin's own user and group; 0: those of the host. The
	// host must run as root, others must be able to walk to the run folder, and
	// the binary must be executable for others, as installed ones are.
	UID int `yaml:"uid,omitempty" json:"uid,omitempty"`
	GID int `yaml:"gid,omitempty" json:"gid,omitempty"`
}

// DefaultOpenFiles is how many descriptors a plugin may have unless its
// isolation says otherwise.
const DefaultOpenFiles = 1024

// The least that a plugin can live with, and the most that makes sense.
const (
	minMemory    = 16 << 20
	minOpenFiles = 32
	minProcesses = 16
	minCPUMillis = 10
)

// Validate returns an invalid fault that names every field that is wrong.
func (i Isolation) Validate() error {
	var wrong []fault.Field
	atLeast := func(path string, v, least int64) {
		if v != 0 && (v < least || v > math.MaxInt64/10) {
			wrong = append(wrong, fault.Field{Path: path, Message: fmt.Sprintf("must be 0 or at least %d, not %d", least, v)})
		}
	}
	atLeast("memory_bytes", i.MemoryBytes, minMemory)
	atLeast("cpu_millis", int64(i.CPUMillis), minCPUMillis)
	atLeast("max_processes", int64(i.MaxProcesses), minProcesses)
	atLeast("open_files", int64(i.OpenFiles), minOpenFiles)
	for path, id := range map[string]int{"uid": i.UID, "gid": i.GID} {
		if id < 0 || int64(id) >= math.MaxUint32 {
			wrong = append(wrong, fault.Field{Path: path, Message: fmt.Sprintf("must be a number of a user or group, not %d", id)})
		}
	}
	if (i.UID == 0) != (i.GID == 0) {
		wrong = append(wrong, fault.Field{Path: "gid", Message: "uid and gid go together"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.InvalidFields(wrong)
}

// Over returns i with every field that it leaves open taken from other.
func (i Isolation) Over(other Isolation) Isolation {
	if i.MemoryBytes == 0 {
		i.MemoryBytes = other.MemoryBytes
	}
	orElse(&i.CPUMillis, other.CPUMillis)
	orElse(&i.MaxProcesses, other.MaxProcesses)
	orElse(&i.OpenFiles, other.OpenFiles)
	if i.UID == 0 {
		i.UID, i.GID = other.UID, other.GID
	}
	return i
}

func orElse(v *int, other int) {
	if *v == 0 {
		*v = other
	}
}

// variables are what bounds a program written in Go from inside. What the
// entry declares wins over them.
func (i Isolation) variables(declared []string) []string {
	var set []string
	if i.MemoryBytes > 0 {
		set = append(set, "GOMEMLIMIT="+strconv.FormatInt(i.MemoryBytes/10*9, 10)+"B")
	}
	if i.CPUMillis > 0 {
		set = append(set, "GOMAXPROCS="+strconv.Itoa((i.CPUMillis+999)/1000))
	}
	return withVariables(set, declared...)
}

// Applied tells what of an isolation holds for one process.
type Applied struct {
	Isolation
	// BeforeExec tells that the limits held before the program's first
	// instruction; otherwise they were set a moment after its start.
	BeforeExec bool `json:"before_exec"`
	// Cgroup is the process's own cgroup; "" when it has none.
	Cgroup string `json:"cgroup,omitempty"`
	// Missing lists what was asked for and does not hold, with the reason.
	Missing []string `json:"missing,omitempty"`
}

// String says in words what does not hold.
func (a Applied) String() string {
	if len(a.Missing) == 0 {
		return "as asked"
	}
	return "without " + strings.Join(a.Missing, "; ")
}
