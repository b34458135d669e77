// Package stdio takes the process's standard output away before an author's
// code can run: the host reads the handshake from it, and one stray line there
// would make the plugin unusable. Whatever is printed goes to standard error
// instead, which the host logs.
//
// It acts on import and only in a process that a host started or that was
// asked for its description or for development mode; tests and other programs keep their output. That is the one
// side effect of an import in the SDK: nothing later would be early enough.
package stdio

import (
	"os"

	"tradewind.example/sdk/handshake"
)

// Both are set once, before main, and never change.
var (
	realStderr = os.Stderr
	realStdout = take()
)

// Stdout returns the standard output that the process was started with.
func Stdout() *os.File { return realStdout }

// Stderr returns the standard error that the process was started with:
// go-plugin replaces the variable os.Stderr later.
func Stderr() *os.File { return realStderr }

func take() *os.File {
	asked := len(os.Args) == 2 && (os.Args[1] == handshake.DescribeArg || os.Args[1] == handshake.DevArg)
	if !asked && os.Getenv(handshake.CookieKey) != handshake.CookieValue {
		return os.Stdout
	}
	kept := swap(os.Stdout, os.Stderr)
	os.Stdout = os.Stderr
	return kept
}
