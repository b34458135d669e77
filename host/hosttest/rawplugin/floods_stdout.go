package main

import (
	"context"
	"os"
	"strings"
	"sync"
	"syscall"

	pb "tradewind.example/sdk/wire/providerv1"
)

// floodsStdout fills the standard output from which the host read the
// handshake, as fast as it can and in lines longer than any pipe.
func floodsStdout() {
	out, err := syscall.Dup(syscall.Stdout) // go-plugin replaces os.Stdout when it serves
	if err != nil {
		panic(err)
	}
	serve(&flooding{out: os.NewFile(uintptr(out), "stdout")})
}

// flooding begins with the first description, which is asked for when the
// handshake is over.
type flooding struct {
	cloud
	once sync.Once
	out  *os.File
}

// Describe begins the flood.
func (f *flooding) Describe(ctx context.Context, req *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	f.once.Do(func() { go f.flood() })
	return f.cloud.Describe(ctx, req)
}

func (f *flooding) flood() {
	line := []byte(strings.Repeat("f", 1<<20) + "\n")
	for {
		_, _ = f.out.Write(line)
	}
}
