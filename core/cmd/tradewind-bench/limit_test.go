package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
)

func TestKeysAreMadeAnew(t *testing.T) {
	t.Parallel()
	const org = "0190163d-8694-739b-aea5-966c26f8ad91" // of the year 2024
	from := time.Now()
	fresh := id.New()
	cases := map[string]struct {
		reason string
		key    []byte
		want   []place
	}{
		"ID":       {"an identifier made for the order", store.Key(fresh), []place{{0, placeID}}},
		"Org":      {"an identifier that was there before stays", store.Key(org), nil},
		"Timeline": {"the time and the identifier behind it", store.Key(org, time.Now(), fresh), []place{{38, placeTime}, {46, placeID}}},
		"Counter":  {"a counter at the end", store.Key(org, uint64(77)), []place{{38, placeCounter}}},
		"Text":     {"any other text stays", store.Key("order.create"), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := row{key: tc.key, fresh: places(string(tc.key), from)}
			if diff := cmp.Diff(tc.want, r.fresh, cmp.AllowUnexported(place{})); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", tc.reason, diff)
			}
			again := r.again(9)
			if same := bytes.Equal(again, tc.key); same != (len(tc.want) == 0) || len(again) != len(tc.key) {
				t.Errorf("%s: made again as %q from %q", tc.reason, again, tc.key)
			}
		})
	}
}
