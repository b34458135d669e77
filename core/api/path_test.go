package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tradewind.example/core/access"
)

type pathIn struct {
	ID   string `path:"id" minLength:"1" maxLength:"6"`
	Part string `path:"part" minLength:"1" maxLength:"6"`
	Body struct {
		On bool `json:"on,omitempty"`
	}
}

type pathOut struct {
	Body struct {
		ID   string `json:"id"`
		Part string `json:"part"`
	}
}

// TestPathParametersAreTheTextsMeant asks with bytes on the wire, which no
// client library has tidied up, the short way and huma's.
func TestPathParametersAreTheTextsMeant(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	Handle(s, Route{Method: http.MethodPost, Path: "/v1/things/{id}/parts/{part}", ID: "path", Tag: "test", Summary: "Path"},
		func(_ context.Context, _ access.Caller, in *pathIn) (*pathOut, error) {
			out := &pathOut{}
			out.Body.ID, out.Body.Part = in.ID, in.Part
			return out, nil
		})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }() // ends with Shutdown
	t.Cleanup(func() { _ = s.Shutdown(context.WithoutCancel(t.Context())) })
	for name, tc := range map[string]struct {
		reason, id, part string
		wantID, wantPart string
		wrong            string // the path of the problem
	}{
		"Plain":    {reason: "plain texts are as they are", id: "a-1", part: "b", wantID: "a-1", wantPart: "b"},
		"Slash":    {reason: "a slash inside does not end the parameter", id: "a%2Fb", part: "c%2fd", wantID: "a/b", wantPart: "c/d"},
		"Once":     {reason: "what is decoded is not decoded again", id: "a%252F", part: "b", wantID: "a%2F", wantPart: "b"},
		"Plus":     {reason: "a plus is no space in a path", id: "a+b", part: "%2B", wantID: "a+b", wantPart: "+"},
		"Space":    {reason: "a space is a character", id: "a%20b", part: "b", wantID: "a b", wantPart: "b"},
		"Chinese":  {reason: "other scripts are texts", id: "%E4%BA%91", part: "云", wantID: "云", wantPart: "云"},
		"Letters":  {reason: "bounds count decoded letters", id: "%61%62%63%64%65%66", part: "b", wantID: "abcdef", wantPart: "b"},
		"TooLong":  {reason: "bounds count decoded letters", id: "%61%62%63%64%65%66%67", part: "b", wrong: "path.id"},
		"NUL":      {reason: "a NUL is no text", id: "a", part: "%00", wrong: "path.part"},
		"Newline":  {reason: "nor a line", id: "a%0Ab", part: "b", wrong: "path.id"},
		"Latin":    {reason: "other encodings are no texts", id: "%E4", part: "b", wrong: "path.id"},
		"RawLatin": {reason: "nor unencoded", id: "\xe4", part: "b", wrong: "path.id"},
		"Half":     {reason: "half an escape is none", id: "a%2", part: "b", wrong: "path.id"},
		"NoHex":    {reason: "nor is this", id: "a", part: "%zz", wrong: "path.part"},
	} {
		for _, accept := range []string{"*/*", "application/json;q=0.9"} {
			status, body := rawPost(t, l.Addr().String(), "/v1/things/"+tc.id+"/parts/"+tc.part, accept)
			if tc.wrong != "" {
				if status != http.StatusUnprocessableEntity || !strings.Contains(body, `"path":"`+tc.wrong+`"`) {
					t.Errorf("%s: %s: got %d %s", name, tc.reason, status, body)
				}
				continue
			}
			var out struct{ ID, Part string }
			if err := json.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK || out.ID != tc.wantID || out.Part != tc.wantPart {
				t.Errorf("%s: %s: got %d %s (%v)", name, tc.reason, status, body, err)
			}
		}
	}
}

type queryIn struct {
	Word string `query:"word"`
}

func TestQueriesAreTexts(t *testing.T) {
	t.Parallel()
	s := testServer(t, nil)
	Handle(s, Route{Method: http.MethodGet, Path: "/v1/words", ID: "query", Tag: "test", Summary: "Query"},
		func(_ context.Context, _ access.Caller, in *queryIn) (*pathOut, error) {
			out := &pathOut{}
			out.Body.ID = in.Word
			return out, nil
		})
	for name, tc := range map[string]struct{ reason, query, want, wrong string }{
		"None":    {reason: "a query may be missing"},
		"Chinese": {reason: "other scripts are texts", query: "?word=%E4%BA%91", want: "云"},
		"Latin":   {reason: "other encodings are no texts", query: "?word=a%FF%FE", wrong: "query.word"},
		"Second":  {reason: "nor the second of a name", query: "?word=a&word=%E4", wrong: "query.word"},
		"Unknown": {reason: "nor what no route knows", query: "?other=%E4", wrong: "query.other"},
		"Name":    {reason: "nor a name", query: "?wo%FFrd=a", wrong: "query.word"},
	} {
		resp, body := send(t, s, http.MethodGet, "/v1/words"+tc.query, "good", "", nil)
		if tc.wrong != "" {
			if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `"path":"`+tc.wrong+`"`) {
				t.Errorf("%s: %s: got %d %s", name, tc.reason, resp.StatusCode, body)
			}
			continue
		}
		var out struct{ ID string }
		if err := json.Unmarshal([]byte(body), &out); err != nil || resp.StatusCode != http.StatusOK || out.ID != tc.want {
			t.Errorf("%s: %s: got %d %s (%v)", name, tc.reason, resp.StatusCode, body, err)
		}
	}
}

func rawPost(t *testing.T, addr, path, accept string) (int, string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: broker.example\r\nAuthorization: Bearer good\r\nAccept: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", path, accept)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
