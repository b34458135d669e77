package main

import (
	"fmt"
	"os"
)

// neverHandshakes is busy with something else for ever.
func neverHandshakes() {
	fmt.Fprintln(os.Stderr, "warming up")
	forever()
}
