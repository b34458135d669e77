package v1

import (
	"bytes"
	"encoding/json"
	"errors"

	"tradewind.example/core/api"
	"tradewind.example/core/store"
)

// changeTries bounds how often a change of "whatever is there" is made anew
// because something else changed the thing meanwhile.
const changeTries = 10

// changed makes a change on top of what it leaves out. Both are of one version:
// the one that the client names, or the one that is there.
func changed[D any](m api.IfMatch, read func() (D, uint64, error), write func(there D, rev uint64) (D, error)) (out D, err error) {
	rev, err := m.Revision()
	if err != nil {
		return out, err
	}
	for range changeTries {
		there, at, err := read()
		if err != nil {
			return out, err
		}
		if rev != 0 {
			at = rev
		}
		out, err = write(there, at)
		if rev != 0 || !errors.Is(err, store.ErrStale) {
			return out, err
		}
	}
	return out, err
}

// members reads a stored JSON object as a request would have it.
func members(stored json.RawMessage) (out map[string]any, err error) {
	if object(stored) == nil {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.UseNumber() // every digit stays
	err = dec.Decode(&out)
	return out, err
}
