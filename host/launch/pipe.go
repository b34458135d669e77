package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// childFiles are both ends of what a plugin process is started with.
type childFiles struct {
	null, outR, outW, errR, errW, lifeR, lifeW *os.File
}

func (p *Process) openFiles() (*childFiles, error) {
	f := &childFiles{}
	var errs [4]error
	f.null, errs[0] = os.Open(os.DevNull)
	f.outR, f.outW, errs[1] = os.Pipe()
	f.errR, f.errW, errs[2] = os.Pipe()
	f.lifeR, f.lifeW, errs[3] = os.Pipe()
	if err := errors.Join(errs[:]...); err != nil {
		return f, fmt.Errorf("opening pipes: %w", err)
	}
	return f, nil
}

// closeChild closes the host's copies of the child's ends.
func (f *childFiles) closeChild() { closeAll(f.null, f.outW, f.errW, f.lifeR) }

func (f *childFiles) closeHost() { closeAll(f.outR, f.errR, f.lifeW) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// pipe is the host's end of one of the process's output streams. It tells when
// it has been read to its end and answers end-of-file after it was closed.
type pipe struct {
	f     *os.File
	once  sync.Once
	ended chan struct{}
}

func newPipe(f *os.File) *pipe { return &pipe{f: f, ended: make(chan struct{})} }

// Read reads what the process wrote.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.f.Read(b)
	if err != nil {
		p.once.Do(func() { close(p.ended) })
		if errors.Is(err, os.ErrClosed) {
			err = io.EOF
		}
	}
	return n, err
}

// Close makes pending and later reads return end-of-file.
func (p *pipe) Close() error {
	if err := p.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

const pumpBuffer = 32 << 10 // bytes

// pump copies the stream to all writers until its end, whatever they answer.
func (p *pipe) pump(writers ...io.Writer) {
	buf := make([]byte, pumpBuffer)
	for {
		n, err := p.Read(buf)
		for _, w := range writers {
			_, _ = w.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// firstLine passes the stream's first line on and swallows everything after
// it, so that nothing a process prints later can block it or confuse a reader.
type firstLine struct {
	src  io.ReadCloser
	over bool
	left int // bytes the first line may still have
}

const maxHandshake = 64 << 10 // bytes; the longest line a handshake may be

func newFirstLine(src io.ReadCloser) *firstLine { return &firstLine{src: src, left: maxHandshake} }

// Read returns bytes up to and including the first line's end; then it blocks
// until the stream's end and returns end-of-file.
func (l *firstLine) Read(b []byte) (int, error) {
	if l.over {
		_, _ = io.Copy(io.Discard, l.src)
		return 0, io.EOF
	}
	n, err := l.src.Read(b)
	for i, c := range b[:n] {
		if c == '\n' {
			l.over = true
			return i + 1, err
		}
	}
	if l.left -= n; l.left < 0 {
		b[n-1], l.over = '\n', true
	}
	return n, err
}

// Close closes the stream.
func (l *firstLine) Close() error { return l.src.Close() }
