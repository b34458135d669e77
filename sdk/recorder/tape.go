package recorder

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"unicode/utf8"
)

// tape is the file: the part of HAR 1.2 that a replay needs.
type tape struct {
	Log struct {
		Version string  `json:"version"`
		Creator creator `json:"creator"`
		Entries []entry `json:"entries"`
	} `json:"log"`
}

type creator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type entry struct {
	Request  request  `json:"request"`
	Response response `json:"response"`
}

type request struct {
	Method  string `json:"method"`
	URL     string `json:"url"`
	Headers []pair `json:"headers,omitempty"`
	Body    *body  `json:"postData,omitempty"`
}

type response struct {
	Status  int    `json:"status"`
	Headers []pair `json:"headers,omitempty"`
	Body    *body  `json:"content,omitempty"`
}

type pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// body is a text; bytes that are no text are in base64.
type body struct {
	MimeType string `json:"mimeType"`
	Text     string `json:"text"`
	Encoding string `json:"encoding,omitempty"` // "base64" or ""
}

func newBody(mimeType string, raw []byte) *body {
	if len(raw) == 0 {
		return nil
	}
	if utf8.Valid(raw) {
		return &body{MimeType: mimeType, Text: string(raw)}
	}
	return &body{MimeType: mimeType, Text: base64.StdEncoding.EncodeToString(raw), Encoding: "base64"}
}

// bytes returns what the body stands for.
func (b *body) bytes() ([]byte, error) {
	switch {
	case b == nil:
		return nil, nil
	case b.Encoding == "":
		return []byte(b.Text), nil
	case b.Encoding == "base64":
		return base64.StdEncoding.DecodeString(b.Text)
	default:
		return nil, fmt.Errorf("a body has the encoding %q; only base64 is known", b.Encoding)
	}
}

// pairs lists headers by name, so that a recording made again is the same.
func pairs(h http.Header) []pair {
	var out []pair
	for name, values := range h {
		for _, v := range values {
			out = append(out, pair{name, v})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (t *tape) encode() ([]byte, error) {
	t.Log.Version, t.Log.Creator = "1.2", creator{Name: "tradewind recorder", Version: "1"}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		return nil, fmt.Errorf("encoding the recording: %w", err)
	}
	return out.Bytes(), nil
}

// parse reads and checks a recording. Fields that it does not know are
// ignored: other programs write more of HAR.
func parse(raw []byte) (*tape, error) {
	if len(raw) > MaxFileBytes {
		return nil, fmt.Errorf("the recording is longer than %d bytes", MaxFileBytes)
	}
	var t tape
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("the recording is not the JSON it should be: %w", err)
	}
	if len(t.Log.Entries) > MaxEntries {
		return nil, fmt.Errorf("the recording has more than %d entries", MaxEntries)
	}
	var problems []error
	for i, e := range t.Log.Entries {
		if err := e.check(); err != nil {
			problems = append(problems, fmt.Errorf("entry %d: %w", i, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the recording cannot be played: %w", err)
	}
	return &t, nil
}

func (e entry) check() error {
	if e.Request.Method == "" {
		return errors.New("the request has no method")
	}
	if _, err := url.Parse(e.Request.URL); err != nil {
		return errors.New("the request's url is not one")
	}
	if e.Response.Status < 100 || e.Response.Status > 599 {
		return fmt.Errorf("status %d is no HTTP status", e.Response.Status)
	}
	_, err := e.Request.Body.bytes()
	_, err2 := e.Response.Body.bytes()
	return errors.Join(err, err2)
}
