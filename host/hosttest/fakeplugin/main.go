// Command fakeplugin is a plugin for the host's tests. Served without an
// argument it behaves well unless a call's settings ask otherwise; an argument
// makes the whole process misbehave:
//
//	prints      prints on its own standard output before the handshake
//	fails       ends at once with a complaint
//	unwilling   never ends when asked to
//	floods      floods both output streams
//	stops       stops itself after a moment of serving
//	stores      serves well and keeps data at the host
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tradewind.example/sdk"
)

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "fails":
		fmt.Fprintln(os.Stderr, "cannot start: password=hunter2hunter2 is wrong")
		os.Exit(3)
	case "prints":
		fmt.Println("hello from an author who prints")
	case "floods":
		go flood(os.Stdout)
		go flood(os.Stderr)
	case "stops":
		go func() {
			time.Sleep(200 * time.Millisecond)
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		}()
	}
	if mode == "stores" {
		sdk.Serve(&storing{})
		return
	}
	sdk.Serve(&fake{})
	if mode == "unwilling" {
		time.Sleep(24 * time.Hour)
	}
}

func flood(f *os.File) {
	line := strings.Repeat("f", 199) + "\n"
	for {
		_, _ = f.WriteString(line)
	}
}
