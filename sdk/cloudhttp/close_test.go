package cloudhttp_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tradewind.example/sdk/cloudhttp"
)

func TestCloseLeavesNoConnection(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := cloudhttp.New(cloudhttp.Config{})
	if _, err := c.Do(t.Context(), cloudhttp.Request{URL: s.URL}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the connection stays open")
	}
	if _, err := c.Do(t.Context(), cloudhttp.Request{URL: s.URL}); err != nil {
		t.Errorf("after Close: %v; the client stays usable", err)
	}
	c.Close()
}
