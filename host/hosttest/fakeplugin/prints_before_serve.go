package main

import (
	"fmt"
	"syscall"

	"tradewind.example/sdk"
)

// printsBeforeServe prints in every way there is before it serves.
func printsBeforeServe() {
	fmt.Println("hello from an author who prints")
	_, _ = syscall.Write(syscall.Stdout, []byte("hello from a library that prints\n"))
	sdk.Serve(&fake{})
}
