package stdio

import (
	"os"
	"syscall"
)

// swap lets descriptor 1 point to stderr, so that code which kept the old
// os.Stdout, or writes to the descriptor, is caught too. It returns the former
// descriptor 1, not inherited by children; when the system refuses, stdout.
func swap(stdout, stderr *os.File) *os.File {
	kept, err := syscall.Dup(syscall.Stdout)
	if err != nil {
		return stdout
	}
	syscall.CloseOnExec(kept)
	if err := syscall.Dup3(int(stderr.Fd()), syscall.Stdout, 0); err != nil {
		_ = syscall.Close(kept)
		return stdout
	}
	return os.NewFile(uintptr(kept), "stdout")
}
