package calls_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"tradewind.example/simkit/calls"
)

type call struct {
	calls.Line
	Code int `json:"code"`
}

func log(size int) *calls.Log[call] {
	return calls.NewLog(size, func(c *call) *calls.Line { return &c.Line })
}

func TestLogKeepsTheLastAndCountsAll(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	for size := range 7 {
		l := log(size)
		for i := range 5 {
			l.Add(call{Line: calls.Line{Action: "A"}, Code: i + 1}, at, calls.Verdict(i%3))
		}
		l.Add(call{Line: calls.Line{Action: "B"}, Code: 6}, at, calls.Refused)
		for n := range 8 {
			got := l.Last(n)
			if len(got) != min(n, size, 6) {
				t.Fatalf("size %d: %d of the last %d", size, len(got), n)
			}
			for i, c := range got {
				if want := 6 - len(got) + i + 1; c.Code != want || c.Seq != int64(want) || !c.Time.Equal(at) {
					t.Errorf("size %d, last %d: call %d is %+v, want number %d", size, n, i, c, want)
				}
			}
		}
		want := map[string]calls.Count{"A": {Calls: 5, OK: 2, Refused: 2, Spoiled: 1}, "B": {Calls: 1, Refused: 1}}
		if got := l.Counts(); !maps.Equal(got, want) {
			t.Errorf("size %d: counts are exact: %v, want %v", size, got, want)
		}
	}
	if got := log(3).Last(-1); got == nil || len(got) != 0 {
		t.Errorf("no calls are an empty list: %v", got)
	}
}

func TestCountsAreACopy(t *testing.T) {
	t.Parallel()
	l := log(1)
	l.Add(call{Line: calls.Line{Action: "A"}}, time.Time{}, calls.OK)
	l.Counts()["A"] = calls.Count{}
	if n := l.Counts()["A"].Calls; n != 1 {
		t.Errorf("whoever reads cannot write: %d calls", n)
	}
}

func TestLinesAreFlat(t *testing.T) {
	t.Parallel()
	l := log(1)
	l.Add(call{Line: calls.Line{Action: "A", Subject: "s"}, Code: 4}, time.Unix(0, 0).UTC(), calls.OK)
	b, err := json.Marshal(l.Last(1))
	for _, want := range []string{`"seq":1`, `"time":"1970-01-01T00:00:00Z"`, `"action":"A"`, `"subject":"s"`, `"code":4`} {
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s is missing in %s: %v", want, b, err)
		}
	}
}
