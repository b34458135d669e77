package sdk

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"tradewind.example/sdk/handshake"
)

// watchLifeline calls gone once the far end of the inherited descriptor is
// closed, which the system does when the host dies, however it dies. fd is the
// descriptor's number; "" means that there is no lifeline. The watch ends with
// the process.
func watchLifeline(fd string, gone func()) error {
	if fd == "" {
		return nil
	}
	n, err := strconv.Atoi(fd)
	if err != nil || n < 3 {
		return fmt.Errorf("%s=%q is not the number of an inherited descriptor", handshake.LifelineEnv, fd)
	}
	// Children of the plugin have no business with it.
	if err := os.Unsetenv(handshake.LifelineEnv); err != nil {
		return fmt.Errorf("clearing %s: %w", handshake.LifelineEnv, err)
	}
	syscall.CloseOnExec(n)
	line := os.NewFile(uintptr(n), "lifeline")
	go func() {
		// An error is the end as much as an end of file: without a working
		// lifeline the plugin could outlive its host.
		_, _ = io.Copy(io.Discard, line)
		gone()
	}()
	return nil
}
