// Command fakeplugin is a plugin for the host's tests that is made with the SDK.
// Served without an argument it behaves well unless a call's settings ask
// otherwise. An argument names the one way in which the whole process behaves;
// each way of misbehaving has a file of its own.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"tradewind.example/sdk"
	"tradewind.example/sdk/handshake"
)

// modesArg makes the program print the names of the ways in which it misbehaves.
const modesArg = "modes"

func main() {
	mode := "well"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	all := misbehaviours()
	behave, ok := all[mode]
	if !ok {
		behave, ok = otherwise(slices.Sorted(maps.Keys(all)))[mode]
	}
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown behaviour %q; see %s\n", mode, modesArg)
		os.Exit(64)
	}
	behave()
}

// misbehaviours are the ways in which the program can misbehave, by name.
func misbehaviours() map[string]func() {
	return map[string]func(){
		"1-MiB-log-line":        longLogLine,
		"crashes-every-n-calls": crashesEveryNCalls,
		"deadlocks-on-call":     deadlocksOnCall,
		"different-manifest":    differentManifest,
		"floods-stderr":         floodsStderr,
		"floods-stdout":         floodsStdout,
		"forgets-idempotency":   forgetsIdempotency,
		"forks-a-child":         forksAChild,
		"huge-answer":           hugeAnswer,
		"ignores-shutdown":      ignoresShutdown,
		"leaks-memory":          leaksMemory,
		"panics-on-call":        panicsOnCall,
		"prints-before-serve":   printsBeforeServe,
		"slow-stream":           slowStream,
		"stops-itself":          stopsItself,
	}
}

// otherwise are the ways in which the program behaves well, or ends with a
// complaint ("fails").
func otherwise(names []string) map[string]func() {
	serve := func() { sdk.Serve(&fake{}) }
	return map[string]func(){
		"well": serve, handshake.DescribeArg: serve, handshake.DevArg: serve,
		"stores":     func() { sdk.Serve(&storing{}) },
		"deprecates": func() { sdk.Serve(&deprecating{}) },
		"fails": func() {
			fmt.Fprintln(os.Stderr, "cannot start: password=hunter2hunter2 is wrong")
			os.Exit(3)
		},
		modesArg: func() { fmt.Println(strings.Join(names, "\n")) },
	}
}
