package recorder_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/recorder"
	"tradewind.example/sdk/secret"
)

const marker = `hunter2/"marker+`

var scrub = recorder.Scrub{Names: []string{"pin"}, Values: []secret.Value{secret.New(marker)}, Clear: []string{"page_token"}}

// cloud counts its calls and says secrets in every place.
func cloud(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		calls++
		n := calls
		mu.Unlock()
		w.Header().Set("Set-Cookie", "session="+marker)
		w.Header().Set("X-Note", "for "+marker)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/raw" {
			_, _ = w.Write([]byte{0xff, 0xfe, 1})
			return
		}
		fmt.Fprintf(w, `{"n":%d,"big":12345678901234567890,"password":"p-%d","note":%q,"empty":{"token":""}}`, n, n, "is "+marker)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func send(t *testing.T, rt http.RoundTripper, method, url, contentType, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+marker)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), nil
}

// record makes a recording of four requests.
func record(t *testing.T) string {
	t.Helper()
	base := cloud(t)
	r, err := recorder.Record(nil, scrub)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range [][4]string{
		{"GET", "/list?page_token=p1&Signature=abc&b=2", "", ""},
		{"POST", "/things?pin=1234", "application/json", `{"name":"n","secret":"s1","inner":[{"PIN":"77"}],"text":"` + strings.ReplaceAll(marker, `"`, `\"`) + `"}`},
		{"POST", "/things?pin=1234", "application/json", `{"name":"n","secret":"s1","inner":[{"PIN":"77"}],"text":"` + strings.ReplaceAll(marker, `"`, `\"`) + `"}`},
		{"POST", "/form", "application/x-www-form-urlencoded", "name=n&password=x"},
		{"GET", "/raw", "", ""},
	} {
		got, err := send(t, r, call[0], base+call[1], call[2], call[3])
		if err != nil {
			t.Fatal(err)
		}
		if call[1] == "/form" && !strings.Contains(got, "p-4") {
			t.Errorf("the caller got a scrubbed answer: %s", got)
		}
	}
	file := filepath.Join(t.TempDir(), "tape.har")
	if err := r.Save(file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestNoSecretReachesTheFile(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(record(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"hunter2", "abc", "1234\"", "s1", "\"77", "=x", "p-1", "session="} {
		if strings.Contains(string(raw), bad) {
			t.Errorf("%q is in the file:\n%s", bad, raw)
		}
	}
	for _, good := range []string{"page_token=p1", "12345678901234567890", `\"token\":\"\"`, "name=n"} {
		if !strings.Contains(string(raw), good) {
			t.Errorf("%q is not in the file:\n%s", good, raw)
		}
	}
}

func TestReplayAnswersInOrder(t *testing.T) {
	t.Parallel()
	p, err := recorder.Replay(record(t), scrub)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"name":"n","secret":"another","inner":[{"PIN":"0"}],"text":"` + strings.ReplaceAll(marker, `"`, `\"`) + `"}`
	for _, want := range []string{`"n":2`, `"n":3`} {
		got, err := send(t, p, "POST", "http://elsewhere.example/things?pin=9", "application/json", body)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if got, err := send(t, p, "GET", "http://elsewhere.example/raw", "", ""); err != nil || got != "\xff\xfe\x01" {
		t.Errorf("bytes: %q, %v", got, err)
	}
	if err := p.Unused(); !errors.Is(err, recorder.ErrUnused) || !strings.Contains(err.Error(), "GET /list") {
		t.Errorf("unused: %v", err)
	}
	for _, rest := range [][3]string{{"GET", "/list?b=2&page_token=p1&Signature=zzz", ""}, {"POST", "/form", "password=y&name=n"}} {
		kind := "application/x-www-form-urlencoded"
		if _, err := send(t, p, rest[0], "http://c.example"+rest[1], kind, rest[2]); err != nil {
			t.Error(err)
		}
	}
	if err := p.Unused(); err != nil {
		t.Error(err)
	}
}

func TestUnexpectedRequestsNameTheNearest(t *testing.T) {
	t.Parallel()
	file := record(t)
	for name, tc := range map[string]struct{ method, path, body, says, reason string }{
		"method":    {"DELETE", "/raw", "", `GET /raw, with another method (GET)`, "only the method differs"},
		"parameter": {"GET", "/list?page_token=p2&b=2&Signature=x", "", `with another query parameter "page_token"`, "only one parameter differs"},
		"body":      {"POST", "/things?pin=1", `{"name":"m"}`, "with another body", "only the body differs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := recorder.Replay(file, scrub)
			if err != nil {
				t.Fatal(err)
			}
			_, err = send(t, p, tc.method, "http://c.example"+tc.path, "application/json", tc.body)
			if !errors.Is(err, recorder.ErrUnexpected) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v; want it to say %q", tc.reason, err, tc.says)
			}
		})
	}
	p, err := recorder.Replay(file, scrub)
	if err != nil {
		t.Fatal(err)
	}
	_, first := send(t, p, "GET", "http://c.example/raw", "", "")
	_, second := send(t, p, "GET", "http://c.example/raw", "", "")
	if first != nil || !errors.Is(second, recorder.ErrUnexpected) || !strings.Contains(second.Error(), "less often") {
		t.Errorf("made twice, recorded once: %v, %v", first, second)
	}
}

// TestASurvivorStopsTheFile hides a secret where scrubbing does not look.
func TestASurvivorStopsTheFile(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string][]byte{
		"in bytes that are no text":    []byte("\xff\xfe" + marker),
		"in base64 of base64":          []byte(base64.StdEncoding.EncodeToString([]byte(marker)) + "\xff"),
		"in a text in another wrapper": []byte("\xff" + fmt.Sprintf("%x", marker)),
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
		r, err := recorder.Record(nil, scrub)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, r, "GET", s.URL, "", ""); err != nil {
			t.Fatal(err)
		}
		s.Close()
		dir := t.TempDir()
		if err := r.Save(filepath.Join(dir, "tape.har")); !errors.Is(err, recorder.ErrSecret) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; want %v without the secret", name, err, recorder.ErrSecret)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Errorf("%s: something was written: %v, %v", name, left, err)
		}
	}
}

func TestRecordingTwiceGivesTheSameFile(t *testing.T) {
	t.Parallel()
	// The servers have other ports and the answers other dates.
	steady := func(file string) string {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		date := false
		for line := range strings.Lines(string(raw)) {
			if !strings.Contains(line, "127.0.0.1") && !date {
				lines = append(lines, line)
			}
			date = strings.Contains(line, `"Date"`)
		}
		return strings.Join(lines, "")
	}
	if diff := cmp.Diff(steady(record(t)), steady(record(t))); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func TestBadInputIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := recorder.Record(nil, recorder.Scrub{Values: []secret.Value{secret.New("ab")}}); err == nil {
		t.Error("a secret of two letters was taken")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"no JSON":   "{",
		"no method": `{"log":{"entries":[{"request":{"url":"/"},"response":{"status":200}}]}}`,
		"no status": `{"log":{"entries":[{"request":{"method":"GET","url":"/"}}]}}`,
		"no base64": `{"log":{"entries":[{"request":{"method":"GET","url":"/"},"response":{"status":200,"content":{"text":"%","encoding":"base64"}}}]}}`,
		"encoding":  `{"log":{"entries":[{"request":{"method":"GET","url":"/"},"response":{"status":200,"content":{"encoding":"rot13"}}}]}}`,
	} {
		file := filepath.Join(dir, "bad.har")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := recorder.Replay(file, recorder.Scrub{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
