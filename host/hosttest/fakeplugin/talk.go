package main

import (
	"bytes"
	"context"
	"io"
	"os"

	"tradewind.example/sdk/provider"
)

// Logs says who it is and then, when followed, waits for its reader's end.
func (notes) Logs(ctx context.Context, req provider.LogsRequest, out io.Writer) error {
	if _, err := io.WriteString(out, version+"\n"); err != nil || !req.Follow {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// Console does what its command says; by itself it echoes.
func (notes) Console(_ context.Context, req provider.ConsoleRequest, t provider.Terminal) (int, error) {
	if len(req.Command) > 0 {
		switch req.Command[0] {
		case "flood":
			for part := bytes.Repeat([]byte("water "), 4096); ; {
				if _, err := t.Out.Write(part); err != nil {
					return 0, err
				}
			}
		case "exit":
			return 9, nil
		case "die":
			os.Exit(9)
		}
	}
	if _, err := io.WriteString(t.Out, "ready"); err != nil {
		return 0, err
	}
	_, err := io.Copy(t.Out, t.In)
	return 0, err
}
