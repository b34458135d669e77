package plugintest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

type talkerSpec struct{}

// talker is a plugin whose only kind talks.
type talker struct {
	bare
	stuck chan struct{} // closed when a reader of the input got its end
}

func (p *talker) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[talkerSpec, talkerSpec]("talker", "Talker", talkers{p})}
}

type talkers struct{ p *talker }

// Logs writes a part that is longer than a message.
func (talkers) Logs(_ context.Context, req provider.LogsRequest, out io.Writer) error {
	if req.ID == "gone" {
		return fault.NotFound("talker", req.ID)
	}
	_, err := out.Write(bytes.Repeat([]byte("0123456789"), req.TailLines))
	return err
}

// Console does what its command says.
func (h talkers) Console(ctx context.Context, req provider.ConsoleRequest, t provider.Terminal) (int, error) {
	switch req.Command[0] {
	case "sizes":
		text, err := io.ReadAll(t.In)
		_, _ = fmt.Fprintf(t.Out, "%v %s", <-t.Sizes, text)
		return 0, err
	case "both":
		_, _ = io.WriteString(t.Err, "wrong")
		_, _ = io.WriteString(t.Out, "right")
		return 7, nil
	case "stay":
		go func() {
			_, _ = io.Copy(io.Discard, t.In)
			for range t.Sizes {
				continue
			}
			close(h.p.stuck)
		}()
		return 1, nil
	case "refuse":
		return 0, fault.Precondition("it does not run").From(fault.SourceCloud)
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestALogArrivesInPartsOfBoundedSize(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, &talker{})
	parts := &counting{}
	if err := c.Logs(t.Context(), provider.LogsRequest{Kind: "talker", ID: "a", TailLines: 10_000}, parts); err != nil {
		t.Fatal(err)
	}
	if parts.bytes != 100_000 || parts.most > 32<<10 {
		t.Errorf("%d bytes in parts of up to %d", parts.bytes, parts.most)
	}
	if err := c.Logs(t.Context(), provider.LogsRequest{Kind: "talker", ID: "gone"}, io.Discard); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("a talker that is gone: %v", err)
	}
	stop := errors.New("enough")
	if err := c.Logs(t.Context(), provider.LogsRequest{Kind: "talker", ID: "a", TailLines: 10_000}, &counting{fail: stop}); !errors.Is(err, stop) {
		t.Errorf("the writer's own error is lost: %v", err)
	}
	if err := c.Logs(t.Context(), provider.LogsRequest{Kind: "talker", ID: "a", TailLines: -1}, io.Discard); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a negative number of lines: %v", err)
	}
}

// counting is a writer that keeps nothing.
type counting struct {
	bytes, most int
	fail        error
}

func (c *counting) Write(p []byte) (int, error) {
	c.bytes, c.most = c.bytes+len(p), max(c.most, len(p))
	return len(p), c.fail
}

// say runs a command with an input and returns what it wrote.
func say(t *testing.T, p *talker, command string, in ...provider.ConsoleInput) (out, errs string, code int, err error) {
	t.Helper()
	c := plugintest.Start(t, p)
	typed := make(chan provider.ConsoleInput, len(in))
	for _, i := range in {
		typed <- i
	}
	close(typed)
	req := provider.ConsoleRequest{Kind: "talker", ID: "a", Command: []string{command}, Size: provider.WindowSize{Columns: 80, Rows: 24}}
	code, err = c.Console(t.Context(), req, typed, func(o provider.ConsoleOutput) error {
		if o.Err {
			errs += string(o.Data)
		} else {
			out += string(o.Data)
		}
		return nil
	})
	return out, errs, code, err
}

func TestAConsoleTakesInputAndSizes(t *testing.T) {
	t.Parallel()
	out, _, code, err := say(t, &talker{}, "sizes",
		provider.ConsoleInput{Data: []byte("typed ")}, provider.ConsoleInput{Size: provider.WindowSize{Columns: 132, Rows: 50}},
		provider.ConsoleInput{Data: []byte(strings.Repeat("x", 40_000))}, provider.ConsoleInput{End: true})
	if want := "{132 50} typed " + strings.Repeat("x", 40_000); err != nil || code != 0 || out != want {
		t.Errorf("code %d, %v, %d bytes beginning %.40q", code, err, len(out), out)
	}
	if out, _, _, err := say(t, &talker{}, "sizes"); err != nil || out != "{80 24} " {
		t.Errorf("no input: %q, %v; want the size it was opened with", out, err)
	}
}

func TestAConsoleTellsOutputFromErrorsAndTheExitCode(t *testing.T) {
	t.Parallel()
	out, errs, code, err := say(t, &talker{}, "both")
	if out != "right" || errs != "wrong" || code != 7 || err != nil {
		t.Errorf("output %q, errors %q, code %d, %v", out, errs, code, err)
	}
	_, _, _, err = say(t, &talker{}, "refuse")
	if f := fault.As(err); f.Class != fault.ClassPrecondition || f.Source != fault.SourceCloud {
		t.Errorf("a refusal arrives as %v", err)
	}
}

// TestWhoStillReadsTheInputIsReleased is what keeps libraries that read on their
// own from staying behind.
func TestWhoStillReadsTheInputIsReleased(t *testing.T) {
	t.Parallel()
	p := &talker{stuck: make(chan struct{})}
	c := plugintest.Start(t, p)
	code, err := c.Console(t.Context(), provider.ConsoleRequest{Kind: "talker", ID: "a", Command: []string{"stay"}}, nil,
		func(provider.ConsoleOutput) error { return nil })
	if code != 1 || err != nil {
		t.Fatalf("code %d, %v", code, err)
	}
	select {
	case <-p.stuck:
	case <-time.After(5 * time.Second):
		t.Error("the reader of the input stands after the console's end")
	}
}

func TestAConsoleEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, &talker{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := c.Console(ctx, provider.ConsoleRequest{Kind: "talker", ID: "a", Command: []string{"wait"}}, nil,
		func(provider.ConsoleOutput) error { return nil })
	if !fault.Is(err, fault.ClassUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the caller's cancellation", err)
	}
}

func TestKindsThatDoNotTalkSaySo(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, newFull())
	kind := newFull().Kinds()[0].Description.Name
	if err := c.Logs(t.Context(), provider.LogsRequest{Kind: kind, ID: "a"}, io.Discard); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("logs: %v", err)
	}
	_, err := c.Console(t.Context(), provider.ConsoleRequest{Kind: kind, ID: "a"}, nil, nil)
	if !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("console: %v", err)
	}
}
