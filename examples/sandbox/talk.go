package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// bootLines is what an instance has printed when it runs.
const bootLines = 20

// beat is the time between two lines of a running instance.
const beat = time.Second

// Logs prints what an instance's screen has shown, and with Follow a line each
// second from then on.
func (h instances) Logs(ctx context.Context, req provider.LogsRequest, out io.Writer) error {
	sv, err := h.running(req.Call, req.ID)
	if err != nil {
		return err
	}
	show := func(at time.Time, text string) error {
		if at.Before(req.Since) {
			return nil
		}
		if req.Timestamps {
			text = at.UTC().Format(time.RFC3339Nano) + " " + text
		}
		_, err := io.WriteString(out, text+"\n")
		return err
	}
	first := 0
	if req.TailLines > 0 {
		first = max(bootLines-req.TailLines, 0)
	}
	for i := first; i < bootLines; i++ {
		if err := show(sv.created.Add(time.Duration(i)*time.Millisecond), fmt.Sprintf("[%3d] %s starts unit %d", i, sv.name, i)); err != nil {
			return err
		}
	}
	for i := bootLines; req.Follow; i++ {
		select {
		case <-h.clock.After(beat):
		case <-ctx.Done():
			return fault.Unavailable("the reader has left").With(ctx.Err())
		}
		if err := show(h.clock.Now(), fmt.Sprintf("[%3d] %s is well", i, sv.name)); err != nil {
			return err
		}
	}
	return nil
}

// running finds an instance that is switched on.
func (h instances) running(call provider.Call, id string) (*server, error) {
	c, err := h.open(call)
	if err != nil {
		return nil, err
	}
	sv, err := c.get(id)
	if err != nil {
		return nil, err
	}
	if sv.status != provider.StatusRunning {
		return nil, fault.Precondition("the instance is %s: start it", sv.status)
	}
	return sv, nil
}

// Console runs one of the few commands that a sandbox has: cat, yes, exit, or a
// shell that knows those beside its own.
func (h instances) Console(_ context.Context, req provider.ConsoleRequest, t provider.Terminal) (int, error) {
	sv, err := h.running(req.Call, req.ID)
	if err != nil {
		return 0, err
	}
	if len(req.Command) == 0 {
		return (&shell{server: sv, t: t, echo: req.Terminal}).run()
	}
	switch req.Command[0] {
	case "cat":
		_, err := io.Copy(t.Out, t.In)
		return 0, err
	case "yes":
		part := bytes.Repeat([]byte("y\n"), 4096)
		for {
			if _, err := t.Out.Write(part); err != nil {
				return 0, err
			}
		}
	case "exit":
		return exit(req.Command[1:], t)
	}
	_, err = fmt.Fprintf(t.Err, "%s: not found\n", req.Command[0])
	return 127, err
}

// exit says its code and ends with it.
func exit(args []string, t provider.Terminal) (int, error) {
	code := 0
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 || n > 255 {
			return 0, fault.Invalid("command", "an exit code is a number from 0 to 255")
		}
		code = n
	}
	_, err := fmt.Fprintf(t.Out, "exit %d\n", code)
	return code, err
}

// shell is what an instance answers who opens a console without a command.
type shell struct {
	server *server
	t      provider.Terminal
	echo   bool // show what is typed, as terminals do
}

func (s *shell) run() (int, error) {
	in := bufio.NewReaderSize(s.t.In, 4096)
	for {
		if _, err := io.WriteString(s.t.Out, s.server.name+"$ "); err != nil {
			return 0, err
		}
		line, err := s.line(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		words := strings.Fields(line)
		if errors.Is(err, io.EOF) && len(words) == 0 {
			return 0, nil
		}
		if len(words) > 0 && words[0] == "exit" {
			return exit(words[1:], s.t)
		}
		if err := s.answer(words); err != nil {
			return 0, err
		}
	}
}

// line reads what is typed up to its end, at most a bufferful.
func (s *shell) line(in *bufio.Reader) (string, error) {
	var line []byte
	for len(line) < in.Size() {
		b, err := in.ReadByte()
		if err != nil {
			return string(line), err
		}
		if b == '\r' || b == '\n' {
			return string(line), s.show("\r\n")
		}
		line = append(line, b)
		if err := s.show(string(b)); err != nil {
			return "", err
		}
	}
	return string(line), nil
}

func (s *shell) show(text string) error {
	if !s.echo {
		return nil
	}
	_, err := io.WriteString(s.t.Out, text)
	return err
}

func (s *shell) answer(words []string) error {
	text := "a sandbox knows: status, size, exit [code]\n"
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "status":
		text = fmt.Sprintf("%s is %s\n", s.server.name, s.server.status)
	case words[0] == "size":
		text = "unknown\n"
		select {
		case size := <-s.t.Sizes:
			text = fmt.Sprintf("%d columns, %d rows\n", size.Columns, size.Rows)
		default:
		}
	}
	if s.echo {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	_, err := io.WriteString(s.t.Out, text)
	return err
}
