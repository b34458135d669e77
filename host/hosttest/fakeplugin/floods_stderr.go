package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk"
)

// floodsStderr writes to standard error for ever: as fast as it can, or the
// number of bytes a second that it is told.
func floodsStderr() {
	stderr := os.Stderr // the variable changes when the plugin serves
	if len(os.Args) < 3 {
		go flood(stderr)
		sdk.Serve(&fake{})
		return
	}
	rate, err := strconv.Atoi(os.Args[2])
	if err != nil {
		os.Exit(64)
	}
	go pour(stderr, rate)
	sdk.Serve(&fake{})
}

// pour writes rate bytes a second, in lines that name a secret.
func pour(f *os.File, rate int) {
	const pause = 10 * time.Millisecond
	line := "retrying with password=hunter2hunter2 " + strings.Repeat("p", 100) + "\n"
	for range time.Tick(pause) {
		_, _ = f.WriteString(strings.Repeat(line, rate/len(line)/int(time.Second/pause)))
	}
}
