package provider

import (
	"context"
	"io"
	"time"
)

// LogStreamer streams what a resource prints. Its kind has the verb logs.
type LogStreamer interface {
	// Logs writes the output to out as it comes, until there is no more or, with
	// Follow, ctx ends. It keeps none of it: a write waits for a slow reader. It
	// returns the first error of a write.
	Logs(ctx context.Context, req LogsRequest, out io.Writer) error
}

// Consoler runs a command beside a resource for somebody who types. Its kind
// has the verb console.
type Consoler interface {
	// Console connects the command with t and returns its exit code when it has
	// ended. It ends the command when ctx does. An error means that there was no
	// exit code. Whatever still reads t.In when Console returns gets an error.
	Console(ctx context.Context, req ConsoleRequest, t Terminal) (code int, err error)
}

// LogsRequest says which output and how much of it.
type LogsRequest struct {
	Call       Call
	Kind       string
	ID         string
	Part       string // which of several parts, a pod for instance; "": the first
	Container  string // "": the main one
	Follow     bool
	TailLines  int       // the last ones; 0: all
	Since      time.Time // nothing older; zero: all
	Timestamps bool      // before each line, RFC 3339
	Previous   bool      // of the one that ran before the last restart
}

// ConsoleRequest says what to run and where.
type ConsoleRequest struct {
	Call      Call
	Kind      string
	ID        string
	Part      string   // as in [LogsRequest]
	Container string   // as in [LogsRequest]
	Command   []string // empty: the plugin's choice, a shell
	Terminal  bool     // output and errors come as one, and there is a window
	Size      WindowSize
}

// WindowSize is the size of a window in letters. The zero value is unknown.
type WindowSize struct{ Columns, Rows uint16 }

// Terminal is the caller's side of a console.
type Terminal struct {
	// In is what is typed. It ends with io.EOF when no more comes and with another
	// error when the caller has left. Nothing is read ahead of it.
	In io.Reader
	// Out and Err take what the command writes; each write waits for a slow
	// reader. Both may be written at the same time. With a terminal all is Out's.
	Out, Err io.Writer
	// Sizes brings the window's size, first the one it begins with when that is
	// known; it is closed when Console returns. Sizes arrive while In is read, and
	// only the newest waits.
	Sizes <-chan WindowSize
}

// ConsoleInput is one thing that a caller sends to a console: data, or a new
// size, or that no more input comes.
type ConsoleInput struct {
	Data []byte
	Size WindowSize // not zero: the window's new size
	End  bool
}

// ConsoleOutput is one part of what a command wrote. The data is the receiver's.
type ConsoleOutput struct {
	Data []byte
	Err  bool // it was written as errors
}
