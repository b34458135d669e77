// Command rawplugin is a plugin for the host's tests that is made without the
// SDK, as one in another language would be: nothing keeps it from breaking the
// contract on the wire. Its first argument is "well" or names the one way in
// which it misbehaves; each way has a file of its own.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// modesArg makes the program print the names of its behaviours.
const modesArg = "modes"

func main() {
	all := behaviours()
	names := slices.Sorted(maps.Keys(all))
	mode := modesArg
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if mode == modesArg {
		fmt.Println(strings.Join(names, "\n"))
		return
	}
	behave, ok := all[mode]
	if mode == "well" {
		behave, ok = func() { serve(cloud{}) }, true
	}
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown behaviour %q; there are %s\n", mode, strings.Join(names, ", "))
		os.Exit(64)
	}
	behave()
}

// behaviours are the ways in which the program can misbehave, by name.
func behaviours() map[string]func() {
	return map[string]func(){
		"different-manifest":    differentManifest,
		"floods-stdout":         floodsStdout,
		"handshakes-then-exits": handshakesThenExits,
		"huge-answer":           hugeAnswer,
		"never-handshakes":      neverHandshakes,
		"newer-version":         newerVersion,
		"prints-before-serve":   printsBeforeServe,
		"reports-unhealthy":     reportsUnhealthy,
		"wrong-version":         wrongVersion,
	}
}
