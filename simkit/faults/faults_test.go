package faults_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tradewind.example/simkit/faults"
)

// fault is a simulator's own, with one field of the vendor.
type fault struct {
	Kind                                faults.Kind
	Actions                             []string
	WritesOnly, After                   bool
	Skip, Count, Percent, DelayMS, Rate int
	Burst, Hits                         int
	Code                                int
}

const own faults.Kind = "own"

var errOdd = errors.New("code is odd")

func vocabulary() faults.Vocabulary[fault] {
	return faults.Vocabulary[fault]{
		Words: faults.Common().With(faults.Words{
			faults.SoldOut: {Concerns: []string{"Create"}},
			own:            {Quiet: true, Writes: true, Only: []string{"Stop", "Look"}},
		}),
		View: func(f *fault) faults.View {
			return faults.View{
				Kind: f.Kind, WritesOnly: f.WritesOnly, After: f.After, Skip: f.Skip, Count: f.Count, Percent: f.Percent,
				DelayMS: f.DelayMS, Rate: f.Rate, Actions: &f.Actions, Burst: &f.Burst, Hits: &f.Hits,
			}
		},
		Check: func(f *fault) error {
			if f.Code%2 != 0 {
				return errOdd
			}
			return nil
		},
		Complete: func(f *fault) { f.Code = faults.OrElse(f.Code, 8) },
	}
}

func set(t *testing.T, list ...fault) *faults.Set[fault] {
	t.Helper()
	if err := vocabulary().Validate(list); err != nil {
		t.Fatal(err)
	}
	return faults.NewSet(vocabulary(), 1, list)
}

// hits draws n calls one second apart and writes x for each spoiled one.
func hits(s *faults.Set[fault], c faults.Call, n int) string {
	var b strings.Builder
	c.Now = time.Unix(0, 0)
	for range n {
		if s.Draw(c).Spoil != nil {
			b.WriteByte('x')
		} else {
			b.WriteByte('.')
		}
		c.Now = c.Now.Add(time.Second)
	}
	return b.String()
}

func TestWhichCallsAFaultSpoils(t *testing.T) {
	t.Parallel()
	create := faults.Call{Action: "Create", Alias: "vm.Create", Writes: true}
	cases := map[string]struct {
		reason string
		fault  fault
		call   faults.Call
		want   string
	}{
		"All":        {"a fault alone acts on every call", fault{Kind: faults.Drop}, create, "xxxx"},
		"Count":      {"it acts so many times", fault{Kind: faults.Drop, Count: 2}, create, "xx.."},
		"Skip":       {"the first may pass", fault{Kind: faults.Drop, Skip: 1, Count: 2}, create, ".xx."},
		"Action":     {"the filter takes the name", fault{Kind: faults.Drop, Actions: []string{"Create"}}, create, "xxxx"},
		"Alias":      {"and the second name", fault{Kind: faults.Drop, Actions: []string{"vm.Create"}}, create, "xxxx"},
		"Other":      {"and spares others", fault{Kind: faults.Drop, Actions: []string{"Stop"}}, create, "...."},
		"NoAlias":    {"an action without a second name is not the empty one", fault{Kind: faults.Drop, Actions: []string{""}}, faults.Call{Action: "Look"}, "...."},
		"WritesOnly": {"reads are spared", fault{Kind: faults.Drop, WritesOnly: true}, faults.Call{Action: "Look"}, "...."},
		"After":      {"a late one waits for the change", fault{Kind: faults.Drop, After: true}, create, "...."},
		"Concerns":   {"a kind has actions of its own", fault{Kind: faults.SoldOut}, faults.Call{Action: "Look"}, "...."},
		"Named":      {"which the fault may replace", fault{Kind: faults.SoldOut, Actions: []string{"Look"}}, faults.Call{Action: "Look"}, "xxxx"},
		"Throttle":   {"a rate of 0 refuses all", fault{Kind: faults.Throttle}, create, "xxxx"},
		"Rate":       {"one call a second passes at one a second", fault{Kind: faults.Throttle, Rate: 1}, create, "...."},
		"Quiet":      {"a wait spoils nothing", fault{Kind: faults.Latency, DelayMS: 1}, create, "...."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hits(set(t, c.fault), c.call, 4); got != c.want {
				t.Errorf("%s: %s, want %s", c.reason, got, c.want)
			}
		})
	}
}

func TestThrottleHasABucket(t *testing.T) {
	t.Parallel()
	s := set(t, fault{Kind: faults.Throttle, Rate: 2, Burst: 3})
	at, got := time.Unix(0, 0), ""
	for i := range 7 {
		if s.Draw(faults.Call{Now: at}).Spoil != nil {
			got += "x"
		} else {
			got += "."
		}
		if i == 4 {
			at = at.Add(time.Second)
		}
	}
	if want := "...xx.."; got != want {
		t.Errorf("a burst of three, then two a second: %s, want %s", got, want)
	}
}

func TestPlanAddsUp(t *testing.T) {
	t.Parallel()
	s := set(t, fault{Kind: faults.Latency, DelayMS: 5}, fault{Kind: faults.Drop}, fault{Kind: faults.HTTP},
		fault{Kind: faults.Latency, DelayMS: 7}, fault{Kind: own})
	p := s.Draw(faults.Call{Action: "Stop", Writes: true})
	if p.Delay != 12*time.Millisecond || p.Spoil == nil || p.Spoil.Kind != faults.Drop || !p.Has(own) || p.Has(faults.StopHang) {
		t.Errorf("waits add up, the first spoiler wins, quiet kinds are told: %+v", p)
	}
	if p.Spoil.Code != 8 {
		t.Errorf("the simulator's defaults are filled in: code %d", p.Spoil.Code)
	}
	if p := s.Draw(faults.Call{Action: "Look"}); p.Has(own) {
		t.Error("a kind of writes spares reads")
	}
	if p := s.Draw(faults.Call{Action: "Create", Writes: true}); p.Has(own) {
		t.Error("a kind of some actions spares all others")
	}
	acted := map[faults.Kind]int{}
	for _, f := range s.Current() {
		acted[f.Kind] += f.Hits
	}
	if acted[faults.Drop] != 3 || acted[faults.HTTP] != 0 || acted[own] != 1 || acted[faults.Latency] != 6 {
		t.Errorf("only what acted is counted: %v", acted)
	}
}

func TestChanceRepeats(t *testing.T) {
	t.Parallel()
	one := hits(set(t, fault{Kind: faults.Drop, Percent: 50}), faults.Call{}, 64)
	two := hits(set(t, fault{Kind: faults.Drop, Percent: 50}), faults.Call{}, 64)
	if n := strings.Count(one, "x"); one != two || n < 16 || n > 48 {
		t.Errorf("half the calls, the same ones with the same seed: %s, %s", one, two)
	}
}

func TestReplaceStartsAgain(t *testing.T) {
	t.Parallel()
	list := []fault{{Kind: faults.Drop, Count: 1, Hits: 9, Actions: []string{"Create"}}}
	s := set(t, list...)
	call := faults.Call{Action: "Create"}
	s.Draw(call)
	if err := s.Replace([]fault{{Kind: "odd"}}); err == nil || s.Draw(call).Spoil != nil {
		t.Errorf("a mistake leaves the old faults with their counts: %v", err)
	}
	if err := s.Replace(list); err != nil || s.Draw(call).Spoil == nil {
		t.Errorf("counters start again: %v", err)
	}
	s.Current()[0].Actions[0], list[0].Actions[0] = "Look", "Look"
	if err := s.Replace(s.Current()); err != nil || s.Draw(call).Spoil == nil {
		t.Error("the faults in force are nobody else's")
	}
	if err := s.Replace(nil); err != nil || s.Current() == nil {
		t.Error("no faults are an empty list")
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  fault
		want   string
	}{
		"Unknown": {"kinds are words of the vocabulary", fault{Kind: "odd"}, `kind "odd" is unknown`},
		"Late":    {"not all come after the change", fault{Kind: faults.SoldOut, After: true}, "leave after out"},
		"Percent": {"chances are percents", fault{Kind: faults.Drop, Percent: 101}, "percent: 101"},
		"Count":   {"nothing is negative", fault{Kind: faults.Drop, Count: -1}, "must not be negative"},
		"Burst":   {"nothing is negative", fault{Kind: faults.Throttle, Burst: -1}, "must not be negative"},
		"Rate":    {"rates have a bound", fault{Kind: faults.Throttle, Rate: 1000001}, "rate: 1000001"},
		"Delay":   {"waits have a bound", fault{Kind: faults.Latency, DelayMS: 600001}, "delay_ms: 600001"},
		"Own":     {"the simulator checks its own", fault{Kind: faults.Drop, Code: 1}, errOdd.Error()},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := vocabulary().Validate([]fault{{Kind: faults.Drop}, c.fault})
			if err == nil || !strings.Contains(err.Error(), "faults[1]: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.reason, err, c.want)
			}
		})
	}
	if err := vocabulary().Validate(make([]fault, 101)); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("lists have a bound: %v", err)
	}
	if faults.Between("status", 0, 400, 599) != nil || faults.Between("status", 399, 400, 599) == nil || faults.Between("status", 599, 400, 599) != nil {
		t.Error("0 is not set; the bounds belong to the range")
	}
}
