package cloudhttp

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"tradewind.example/sdk/trace"
)

// Traced returns a transport whose requests become spans of the call that their
// context belongs to: each from its beginning until its answer's body is read
// or closed. A [Client] has it already; give it to a vendor's SDK that brings
// its own client. A span tells method, host and status, never path, query,
// headers or bodies, and nothing of it is sent to the cloud. For a call that is
// not traced it costs nothing. A nil next is http.DefaultTransport.
func Traced(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return traced{next}
}

type traced struct{ next http.RoundTripper }

// RoundTrip makes the request.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := trace.StartKind(r.Context(), "HTTP "+r.Method, trace.KindClient)
	if span == nil {
		return t.next.RoundTrip(r)
	}
	span.Set("http.request.method", r.Method)
	span.Set("server.address", r.URL.Host)
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		span.End(broken(err, r.URL.Host, false))
		return nil, err
	}
	span.Set("http.response.status_code", strconv.Itoa(resp.StatusCode))
	b := &tracedBody{ReadCloser: resp.Body, span: span}
	if resp.StatusCode >= 400 {
		b.failed = FromStatus(resp.StatusCode, false)
	}
	resp.Body = b
	return resp, nil
}

// CloseIdleConnections closes those of the transport beneath.
func (t traced) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// tracedBody ends its span when it is read to its end or closed.
type tracedBody struct {
	io.ReadCloser
	span   *trace.Span
	failed error
}

// Read reads the body.
func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.span.End(b.failed)
	case err != nil:
		b.span.End(err)
	}
	return n, err
}

// Close closes the body.
func (b *tracedBody) Close() error {
	b.span.End(b.failed)
	return b.ReadCloser.Close()
}
