//go:build failpoints

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint makes the process kill itself when it has reached a named step n
// times: TRADEWIND_FAILPOINT=name:n. It is what a power cut looks like.
func failpoint(env []string) func(string) {
	for _, kv := range env {
		spec, ok := strings.CutPrefix(kv, "TRADEWIND_FAILPOINT=")
		if !ok {
			continue
		}
		name, count, _ := strings.Cut(spec, ":")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			n = 1
		}
		var left atomic.Int64
		left.Store(n)
		return func(at string) {
			if at == name && left.Add(-1) == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
	return nil
}
