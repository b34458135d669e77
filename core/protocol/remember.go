package protocol

import (
	"time"

	"tradewind.example/core/memo"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// maxRemembered is how many answers about terms are kept in memory.
const maxRemembered = 16_384

// timelineStamp is the stamp of all timelines: every change of a row makes the
// remembered answers stale.
func timelineStamp() *memo.Table { return memo.NewTable("protocol.timeline") }

// subject is what terms are asked for, but for the instant.
type subject struct{ seller, buyer, product, class string }

// answer is which row applies, and for how long the same one does.
type answer struct {
	row   row
	found pricing.Found
	span  span
}

// span is a half-open piece of time; a zero end is open.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// cut is the part that both have.
func (s span) cut(o span) span { return span{from: later(s.from, o.from), to: earlier(s.to, o.to)} }

// answerAt returns the answer for an instant, remembered or read.
func (s *Service) answerAt(r store.Reader, q TermsQuery) (answer, error) {
	stamp, err := s.stamp.At(r)
	if err != nil {
		return answer{}, err
	}
	about := subject{q.Seller, q.Buyer, q.ProductID, q.Class}
	if a, ok := s.answers.Get(about, stamp); ok && a.span.holds(q.At) {
		return a, nil
	}
	a, err := q.read(r)
	if err == nil {
		s.answers.Put(about, stamp, a)
	}
	return a, err
}

// read looks through the tracks, best first.
func (q TermsQuery) read(r store.Reader) (answer, error) {
	a := answer{row: row{mode: pricing.ModeList}, found: pricing.FoundList}
	for _, step := range q.steps() {
		if step.skip {
			continue
		}
		found, ok, same, err := step.track.around(r, q.At)
		if err != nil {
			return answer{}, err
		}
		a.span = a.span.cut(same)
		if ok {
			a.row, a.found = found, step.found
			break
		}
	}
	return a, nil
}

// around is at together with the piece of time around the instant in which the
// track answers alike.
func (t track) around(r store.Reader, at time.Time) (found row, ok bool, same span, err error) {
	last, began, err := t.lastBefore(r, at.Add(1))
	if err != nil {
		return row{}, false, span{}, err
	}
	if same.to, err = t.nextFrom(r, at); err != nil {
		return row{}, false, span{}, err
	}
	switch {
	case !began:
		return row{}, false, same, nil
	case last.holds(at):
		return last, true, same.cut(span{last.from, last.to}), nil
	}
	same.from = last.to
	return last, false, same, nil
}

// nextFrom returns when the first row after the instant begins; zero: there is none.
func (t track) nextFrom(r store.Reader, at time.Time) (time.Time, error) {
	prefix := t.prefix()
	rng := store.PrefixOf(prefix)
	rng.From = append(prefix[:len(prefix):len(prefix)], store.Key(at.Add(1))...)
	var from time.Time
	err := r.Scan(bucketTimeline, rng.First(1), func(_, v []byte) error {
		next, err := decodeRow(v)
		from = next.from
		return err
	})
	return from, err
}
