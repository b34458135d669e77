package apitest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// shapes are the answers that show recorded things, by the thing.
var shapes = map[string]string{
	"org": "Org", "user": "User", "session": "Session", "token": "Token", "provider": "Provider", "grant": "Grant", "enablement": "Enablement",
	"protocol": "Protocol", "line": "Line", "discount": "Discount", "recharge": "Recharge", "order": "Order",
}

// besides are the members of a recorded state that the answer does not show.
var besides = map[string][]string{
	"user": {"root_id"}, "protocol": {"keeper", "root_id"}, "recharge": {"keeper"}, "provider": {"root_id", "rev"}, "grant": {"root_id", "rev"},
	"enablement": {"root_id", "rev"}, "order": {"quantity", "periods"}, "line": {"seller", "buyer"},
}

// recorded makes sure that the audit log speaks of things in the words of their
// own routes.
func (s *stage) recorded(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				Thing         string
				Before, After json.RawMessage
			}
			Next string
		}
		s.a.boss.must(t, http.MethodGet, "/v1/audit?tree=true&limit=500&cursor="+cursor, nil, &page)
		for _, e := range page.Items {
			known := s.doc.schemas[shapes[e.Thing]].Properties
			for _, raw := range []json.RawMessage{e.Before, e.After} {
				var state map[string]json.RawMessage
				_ = json.Unmarshal(raw, &state) // a list has no names
				for name, value := range state {
					as, shown := known[name]
					if as.is("string") && value[0] != '"' && string(value) != "null" {
						t.Errorf("the audit log tells %s of a %s as %s, its own route as text", name, e.Thing, value)
					}
					wrong := len(known) > 0 && !shown && !slices.Contains(besides[e.Thing], name)
					if wrong || strings.ToLower(name) != name {
						t.Errorf("the audit log calls a member of a %s %q, its own route does not", e.Thing, name)
					}
				}
				seen[e.Thing] = seen[e.Thing] || len(state) > 0
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for thing := range shapes {
		if !seen[thing] {
			t.Errorf("no %s is recorded: its names were not looked at", thing)
		}
	}
}
