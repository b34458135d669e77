// Package web holds what the HTTP server of any simulator does beside the
// vendor's API: bounds, request ids, waits and destroyed answers.
//
// It does not read or write a vendor's messages. All functions are safe for
// concurrent use.
package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"time"

	"tradewind.example/simkit/faults"
)

// NewServer returns a server with bounded headers and times for h. It may
// write as long as the longest waits that faults can order.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2*faults.MaxDelay + time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// NewUUID returns a random UUID in small letters.
func NewUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Pause waits in real time, whatever the simulator's clock. It ends early when
// the client leaves; the call goes on all the same, as a cloud's would.
func Pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Destroy writes what is left of an answer under a kind that leaves none of
// the vendor's; status belongs to [faults.HTTP] and [faults.Empty]. It reports
// false for all other kinds and writes nothing then.
func Destroy(w http.ResponseWriter, kind faults.Kind, status int) bool {
	switch kind {
	case faults.Drop:
		drop(w)
	case faults.HTTP:
		http.Error(w, http.StatusText(status), status)
	case faults.NonJSON:
		Page(w, http.StatusOK, "gateway")
	case faults.Empty:
		w.WriteHeader(status)
	default:
		return false
	}
	return true
}

// Page answers an HTML page that says text, as a gateway before the API would.
// The text is the program's own and is not escaped.
func Page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><body>"+text+"</body></html>")
}

// drop closes the connection without a byte of answer. Where the connection
// cannot be taken over (HTTP/2, recorders) it answers an empty 502.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}
