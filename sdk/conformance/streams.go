package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	// fewLines is how many lines a rule asks of a log.
	fewLines = 3
	// consoles is how many are open at once when goroutines are counted.
	consoles = 8
	// slowReader is how long a reader takes nothing.
	slowReader = 500 * time.Millisecond
)

// streamRules prove that logs and consoles end when they should, and hold
// nothing for a reader who is slow.
func streamRules() []Rule {
	logs := []provider.Verb{provider.VerbCreate, provider.VerbLogs}
	console := []provider.Verb{provider.VerbCreate, provider.VerbConsole}
	return []Rule{
		{ID: "logs-read", Title: "a log that is not followed ends by itself and has no more lines than asked for", Verbs: logs, with: []need{orders(logs...)}, run: logsRead},
		{ID: "logs-follow", Title: "a followed log ends within a second when its reader leaves", Verbs: logs, with: []need{orders(logs...)}, run: logsFollow},
		{ID: "streams-missing", Title: "logs and consoles of a missing resource are not_found", about: []need{streamsOffered}, with: []need{accountGiven}, run: streamsMissing},
		{ID: "console-exit", Title: "a console delivers all output and then the exit code", Verbs: console, with: []need{orders(console...), commandsGiven}, run: consoleExit},
		{ID: "console-input", Title: "a console passes every byte that is typed, and the end of the input", Verbs: console, with: []need{orders(console...), commandsGiven}, run: consoleInput},
		{ID: "console-leave", Title: "a console ends within a second when its caller leaves, and leaves no goroutine", Verbs: console, with: []need{orders(console...), commandsGiven}, run: consoleLeave},
		{ID: "console-slow", Title: "a console with a slow reader takes bounded memory", Verbs: console, with: []need{ownPlugin, orders(console...), floodGiven}, run: consoleSlow},
	}
}

func streamsOffered(s *session) string {
	if len(s.described(provider.VerbLogs)) == 0 && len(s.described(provider.VerbConsole)) == 0 {
		return "no kind offers logs or console"
	}
	return ""
}

func commandsGiven(s *session) string {
	for _, k := range s.orderable(provider.VerbCreate, provider.VerbConsole) {
		if s.fix.Kinds[k.Name].Commands != nil {
			return ""
		}
	}
	return "the fixture has no commands for a console"
}

func floodGiven(s *session) string {
	for _, k := range s.orderable(provider.VerbCreate, provider.VerbConsole) {
		if c := s.fix.Kinds[k.Name].Commands; c != nil && len(c.Flood) > 0 {
			return ""
		}
	}
	return "the fixture has no command that writes without end"
}

// eachLog makes a resource of each kind with logs.
func (s *session) eachLog(ctx context.Context, prove func(ctx context.Context, req provider.LogsRequest) error) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbLogs}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		return prove(ctx, provider.LogsRequest{Call: s.call(), Kind: d.Name, ID: r.ID})
	})
}

// eachConsole makes a resource of each kind with a console whose commands are known.
func (s *session) eachConsole(ctx context.Context, prove func(ctx context.Context, req provider.ConsoleRequest, c Commands) error) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbConsole}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		if k.Commands == nil {
			return nil
		}
		r, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		return prove(ctx, provider.ConsoleRequest{Call: s.call(), Kind: d.Name, ID: r.ID}, *k.Commands)
	})
}

func logsRead(ctx context.Context, s *session) error {
	return s.eachLog(ctx, func(ctx context.Context, req provider.LogsRequest) error {
		req.TailLines = fewLines
		var text bytes.Buffer
		if err := s.Logs(ctx, req, &text); err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		if n := strings.Count(strings.TrimSuffix(text.String(), "\n"), "\n") + 1; n > fewLines {
			return fmt.Errorf("the log has %d lines, and %d were asked for", n, fewLines)
		}
		return nil
	})
}

func logsFollow(ctx context.Context, s *session) error {
	return s.eachLog(ctx, func(ctx context.Context, req provider.LogsRequest) error {
		req.Follow = true
		return s.left(ctx, "the log", func(ctx context.Context) error { return s.Logs(ctx, req, &bytes.Buffer{}) })
	})
}

// left opens a stream, leaves it after a while, and wants it to end.
func (s *session) left(ctx context.Context, what string, open func(ctx context.Context) error) error {
	idle := s.active(ctx)
	short, cancel := leaving(ctx)
	defer cancel()
	began := time.Now()
	err := open(short)
	took := time.Since(began)
	if short.Err() == nil {
		return fmt.Errorf("%s ended by itself: %w", what, errors.Join(err, errors.New("it must last until the caller leaves")))
	}
	if took > patience+promptly {
		return fmt.Errorf("%s ended %s after its caller left", what, (took - patience).Round(time.Millisecond))
	}
	return errors.Join(classed(err, what+" of a caller that left", fault.ClassUnavailable), s.idle(ctx, what, idle))
}

func streamsMissing(ctx context.Context, s *session) error {
	id := "cf-none-" + s.id
	var errs []error
	for _, k := range s.described(provider.VerbLogs) {
		err := s.Logs(ctx, provider.LogsRequest{Call: s.call(), Kind: k.Name, ID: id}, &bytes.Buffer{})
		errs = append(errs, classed(err, "the log of a missing "+k.Name, fault.ClassNotFound))
	}
	for _, k := range s.described(provider.VerbConsole) {
		_, err := s.Console(ctx, provider.ConsoleRequest{Call: s.call(), Kind: k.Name, ID: id}, nil, ignore)
		errs = append(errs, classed(err, "the console of a missing "+k.Name, fault.ClassNotFound))
	}
	return errors.Join(errs...)
}

func consoleExit(ctx context.Context, s *session) error {
	return s.eachConsole(ctx, func(ctx context.Context, req provider.ConsoleRequest, c Commands) error {
		req.Command = c.Exit
		var text bytes.Buffer
		code, err := s.Console(ctx, req, nil, func(o provider.ConsoleOutput) error {
			text.Write(o.Data)
			return nil
		})
		switch {
		case err != nil:
			return fmt.Errorf("running a command that ends: %w", err)
		case code != c.Code:
			return fmt.Errorf("the exit code is %d; it must be %d", code, c.Code)
		case c.Says != "" && strings.TrimRight(text.String(), "\r\n") != c.Says:
			return fmt.Errorf("the output is %q; it must be %q", text.String(), c.Says)
		}
		return nil
	})
}

// typed is every byte there is, a few times over.
func typed() []byte {
	all := make([]byte, 0, 64<<10)
	for len(all) < cap(all) {
		all = append(all, byte(len(all)))
	}
	return all
}

func consoleInput(ctx context.Context, s *session) error {
	return s.eachConsole(ctx, func(ctx context.Context, req provider.ConsoleRequest, c Commands) error {
		req.Command = c.Echo
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		in := make(chan provider.ConsoleInput, 2)
		in <- provider.ConsoleInput{Data: typed()}
		in <- provider.ConsoleInput{End: true}
		var got bytes.Buffer
		code, err := s.Console(ctx, req, in, func(o provider.ConsoleOutput) error {
			got.Write(o.Data)
			return nil
		})
		switch {
		case err != nil:
			return fmt.Errorf("typing: %w", err)
		case code != 0:
			return fmt.Errorf("the exit code is %d after the input has ended; it must be 0", code)
		case !bytes.Equal(got.Bytes(), typed()):
			return fmt.Errorf("%d bytes were typed, and %d came back, not all the same", len(typed()), got.Len())
		}
		return nil
	})
}

func consoleLeave(ctx context.Context, s *session) error {
	return s.eachConsole(ctx, func(ctx context.Context, req provider.ConsoleRequest, c Commands) error {
		req.Command = c.Echo
		open := func(ctx context.Context) error {
			return second(s.Console(ctx, req, nil, ignore))
		}
		if err := s.left(ctx, "the console", open); err != nil {
			return err
		}
		before, err := s.standing(ctx)
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		for range consoles {
			all.Go(func() {
				short, cancel := leaving(ctx)
				defer cancel()
				_ = open(short) // how it ends was just judged
			})
		}
		all.Wait()
		return s.cleared(ctx, before, consoles/2, fmt.Sprintf("%d consoles are closed", consoles))
	})
}

// cleared waits until fewer than most goroutines stand anywhere beside those of
// before.
func (s *session) cleared(ctx context.Context, before map[string]int, most int, after string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(2 * promptly)
	for {
		now, err := s.standing(ctx)
		if err != nil {
			return err
		}
		var more []string
		for _, at := range slices.Sorted(maps.Keys(now)) {
			if grown := now[at] - before[at]; grown >= most && !idleClient(at) {
				more = append(more, fmt.Sprintf("%d at %s", grown, at))
			}
		}
		if len(more) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("%s, and goroutines stay: %s", after, strings.Join(more, ", "))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// consoleSlow opens a console that writes without end and does not read it.
func consoleSlow(ctx context.Context, s *session) error {
	return s.eachConsole(ctx, func(ctx context.Context, req provider.ConsoleRequest, c Commands) error {
		if len(c.Flood) == 0 {
			return nil
		}
		before, err := s.memory()
		if err != nil {
			return err
		}
		req.Command = c.Flood
		grown := int64(0)
		_, err = s.Console(ctx, req, nil, func(provider.ConsoleOutput) error {
			select {
			case <-time.After(slowReader):
			case <-ctx.Done():
				return ctx.Err()
			}
			now, err := s.memory()
			if err != nil {
				return err
			}
			grown = now - before
			return errEnough
		})
		most := int64(heapGrowth)
		if s.process != nil {
			most = processGrowth
		}
		switch {
		case !errors.Is(err, errEnough):
			return fmt.Errorf("the console ended before its reader left: %w", errors.Join(err, errors.New("its command writes without end")))
		case grown > most:
			return fmt.Errorf("memory grew by %d MiB while nobody read for %s; it must stay below %d", grown>>20, slowReader, most>>20)
		}
		return nil
	})
}
