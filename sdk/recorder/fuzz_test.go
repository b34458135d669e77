package recorder

import (
	"bytes"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"log":{"version":"1.2","entries":[{"request":{"method":"GET","url":"http://a.example/x?y=1","headers":[{"name":"A","value":"b"}]},"response":{"status":200,"content":{"mimeType":"application/json","text":"{}"}}}]}}`))
	f.Add([]byte(`{"log":{"entries":[{"request":{"method":"POST","url":"/","postData":{"text":"/w==","encoding":"base64"}},"response":{"status":599}}]}}`))
	f.Add([]byte(`{"log":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := parse(raw)
		if err != nil {
			return
		}
		once, err := first.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		twice, err := again.encode()
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("not stable (%v):\n%s\n%s", err, once, twice)
		}
		for _, e := range first.Log.Entries {
			s := newShape(e.Request)
			if d := s.differences(s); len(d) != 0 {
				t.Errorf("a request differs from itself: %v", d)
			}
		}
	})
}
