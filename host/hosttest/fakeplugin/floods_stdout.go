package main

import (
	"os"
	"strings"

	"tradewind.example/sdk"
)

// floodsStdout prints for ever, as fast as it can.
func floodsStdout() {
	go flood(os.Stdout)
	sdk.Serve(&fake{})
}

func flood(f *os.File) {
	line := strings.Repeat("f", 199) + "\n"
	for {
		_, _ = f.WriteString(line)
	}
}
