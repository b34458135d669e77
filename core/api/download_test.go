package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	part := bytes.Repeat([]byte("x"), 1<<16)
	cases := map[string]struct {
		reason string
		fail   error
	}{
		"Whole":  {"everything arrives", nil},
		"Broken": {"the client sees that the rest is missing", errors.New("the disk is gone")},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testServer(t, nil)
			ended := make(chan struct{})
			Handle(s, Route{Method: http.MethodGet, Path: "/v1/copy", ID: "copy", Tag: "test", Summary: "Copy", Public: true},
				func(context.Context, access.Caller, *struct{}) (*huma.StreamResponse, error) {
					return &huma.StreamResponse{Body: func(hc huma.Context) {
						s.Download(hc, time.Minute, func(_ context.Context, w io.Writer) error {
							defer close(ended)
							for range 40 {
								if _, err := w.Write(part); err != nil {
									return err
								}
							}
							return tc.fail
						})
					}}, nil
				})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Serve(l) }() // ends with Shutdown
			t.Cleanup(func() { _ = s.Shutdown(context.WithoutCancel(t.Context())) })
			resp, err := http.Get("http://" + l.Addr().String() + "/v1/copy")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if (err != nil) != (tc.fail != nil) {
				t.Errorf("%s: read %d bytes with %v", tc.reason, len(got), err)
			}
			if tc.fail == nil && len(got) != 40*len(part) {
				t.Errorf("%s: %d bytes", tc.reason, len(got))
			}
			<-ended
		})
	}
}
