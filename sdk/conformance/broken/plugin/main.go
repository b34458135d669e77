// Command plugin is the plugin of package broken as a program, with the flaws
// that only a process can have. Its own file name says which: what follows the
// last dot.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tradewind.example/sdk"
	"tradewind.example/sdk/conformance/broken"
	"tradewind.example/sdk/provider"
)

// printing is a plugin that prints in its calls.
type printing struct{ *broken.Plugin }

// Check prints before it answers.
func (p printing) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	fmt.Println("checking an account")
	return p.Plugin.Check(ctx, req)
}

func main() {
	flaw := broken.Flaw(strings.TrimPrefix(filepath.Ext(os.Args[0]), "."))
	p := broken.New(flaw, broken.NewCloud(), 1)
	switch flaw {
	case "output":
		sdk.Serve(printing{p})
	case "shutdown":
		sdk.Serve(p)
		if len(os.Args) == 1 { // not when it only describes itself
			<-time.After(time.Minute)
		}
	default:
		sdk.Serve(p)
	}
}
