// Command process is a program for tests that is no plugin, or only pretends to
// be one; its first argument says what it does. Most modes write a first line
// of output once they are set up.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	modes := map[string]func(){
		"sleep":    sleep,
		"fork":     fork,
		"stray":    stray,
		"stop":     stop,
		"self":     describeSelf,
		"fail":     fail,
		"lifeline": lifeline,
		"flood":    flood,
		"silent":   forever,
		"garbage":  garbage,
		"outside":  outside,
		"tells":    tells,
		"hog":      hog,
		"breed":    breed,
		"spin":     spin,
	}
	mode, ok := modes[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "unknown mode")
		os.Exit(64)
	}
	mode()
}

// forever waits without letting the runtime see a deadlock.
func forever() { time.Sleep(24 * time.Hour) }

// sleep ignores everything but SIGKILL.
func sleep() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	fmt.Println("ready")
	forever()
}

// fork starts a child that holds standard error and sleeps; then it sleeps, or
// ends when the second argument says so.
func fork() {
	child := exec.CommandContext(context.Background(), "/proc/self/exe", "sleep")
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		panic(err)
	}
	fmt.Println(child.Process.Pid)
	if len(os.Args) > 2 && os.Args[2] == "exit" {
		return
	}
	forever()
}

// stray starts a child in a session of its own that holds standard error.
func stray() {
	child := exec.CommandContext(context.Background(), "/proc/self/exe", "sleep")
	child.Stderr = os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		panic(err)
	}
	fmt.Println(child.Process.Pid)
	forever()
}

// stop stops itself.
func stop() {
	fmt.Println("ready")
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	forever()
}

// Self is what describeSelf prints.
type Self struct {
	Args    []string
	Env     []string
	Dir     string
	DirMode string
	Umask   string
	Core    uint64
	Files   uint64 // RLIMIT_NOFILE
	UID     int
	Procs   int // runtime.GOMAXPROCS
}

// describeSelf prints the surroundings as one JSON line and ends.
func describeSelf() {
	dir, _ := os.Getwd()
	st, _ := os.Stat(dir)
	var core, files unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &files)
	mask := unix.Umask(0)
	_ = json.NewEncoder(os.Stdout).Encode(Self{
		Args: os.Args, Env: os.Environ(), Dir: dir, DirMode: st.Mode().String(),
		Umask: fmt.Sprintf("%03o", mask), Core: core.Cur,
		Files: files.Max, UID: os.Getuid(), Procs: runtime.GOMAXPROCS(0),
	})
}

// fail complains and ends with a status.
func fail() {
	for i := range 30 {
		fmt.Fprintln(os.Stderr, "complaint", i)
	}
	os.Exit(3)
}

// lifeline gives up the parent-death signal and ends when the lifeline does.
func lifeline() {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	fd, err := strconv.Atoi(os.Getenv("TRADEWIND_LIFELINE_FD"))
	if err != nil {
		os.Exit(65)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
	os.Exit(7)
}

// flood writes to standard error for ever.
func flood() {
	fmt.Println("ready")
	line := strings.Repeat("x", 1023) + "\n"
	for {
		_, _ = os.Stderr.WriteString(line)
	}
}

// garbage writes a line without end instead of a handshake.
func garbage() {
	line := strings.Repeat("g", 64<<10)
	for {
		_, _ = os.Stdout.WriteString(line)
	}
}

// outside offers a socket outside its folder.
func outside() {
	fmt.Println("1|1|unix|/tmp/nowhere|grpc")
	forever()
}

// tells prints a secret instead of a handshake.
func tells() {
	fmt.Println("cannot sign in with password=hunter2hunter2")
	os.Exit(1)
}

// hog takes ever more memory and uses it.
func hog() {
	fmt.Println("ready")
	var all [][]byte
	for {
		block := make([]byte, 4<<20)
		for i := range block {
			block[i] = byte(i) // a page that nobody touched takes nothing
		}
		all = append(all, block)
		runtime.KeepAlive(all)
	}
}

// breed starts children until it may not, tells how many there are, and waits.
func breed() {
	n := 0
	for ; n < 1000; n++ {
		child := exec.CommandContext(context.Background(), "/bin/sleep", "1000")
		if child.Start() != nil {
			break
		}
	}
	fmt.Println(n)
	forever()
}

// spin keeps every processor busy.
func spin() {
	fmt.Println("ready")
	for range runtime.NumCPU() {
		go func() {
			for n := 0; ; n++ {
				_ = n
			}
		}()
	}
	forever()
}
