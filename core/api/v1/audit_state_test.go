package v1

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
)

func TestAPINames(t *testing.T) {
	t.Parallel()
	for recorded, want := range map[string]string{
		"ID": "id", "ProviderID": "provider_id", "IP": "ip", "IPs": "ips", "VendorIDs": "vendor_ids", "SHA256": "sha256", "CoversAll": "covers_all",
		"TransactionID": "transaction_id", "OrgIDList": "org_id_list", "UserAgent": "user_agent", "APIKey": "api_key", "CheckedAt": "checked",
		"provider_id": "provider_id", "PID": "pid", "S3Key": "s3_key", "name": "name", "": "",
	} {
		if got := apiName(recorded); got != want {
			t.Errorf("%q is %q, want %q", recorded, got, want)
		}
	}
}

func TestRecordedStatesAreShownAsTheAPISpeaks(t *testing.T) {
	t.Parallel()
	customer := standpoint{access.Caller{OrgID: "c", RootID: "root", Path: []string{"root", "middle", "seller", "c"}}}
	for name, tc := range map[string]struct{ reason, recorded, want string }{
		"Names":    {"the API's names", `{"ProductID":"p","Periods":12,"Price":"0.10 CNY"}`, `{"periods":12,"price":"0.10 CNY","product_id":"p"}`},
		"Inside":   {"at every depth", `{"Lines":[{"LineID":"l"}]}`, `{"lines":[{"line_id":"l"}]}`},
		"FreeForm": {"what others named stays", `{"Settings":{"ProjectID":"x"},"Spec":{"CPU":2}}`, `{"settings":{"ProjectID":"x"},"spec":{"CPU":2}}`},
		"State":    {"a state that is a word is no object", `{"State":"active"}`, `{"state":"active"}`},
		"Numbers":  {"numbers keep every digit", `{"Rev":18446744073709551615}`, `{"rev":18446744073709551615}`},
		"NoTime":   {"a time that is not set is absent", `{"To":"0001-01-01T00:00:00Z","From":"2026-01-01T00:00:00Z"}`, `{"from":"2026-01-01T00:00:00Z"}`},
		"Above":    {"who is above the seller is hidden", `{"RootID":"root","ParentID":"seller","Path":["root","middle","seller","c"]}`, `{"parent_id":"seller","path":["seller","c"]}`},
		"Nothing":  {"nothing is nothing", `null`, `null`},
	} {
		got, err := json.Marshal(customer.stateOf(json.RawMessage(tc.recorded)))
		if diff := cmp.Diff(tc.want, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %s: %v\n%s", name, tc.reason, err, diff)
		}
	}
}

func TestStandpoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason     string
		path       []string
		seen, from []string
	}{
		"Root":     {"the root sees all", []string{"a"}, []string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d"}},
		"Reseller": {"its seller is the root", []string{"a", "b"}, []string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d"}},
		"Customer": {"its seller's seller is hidden", []string{"a", "b", "c"}, []string{"b", "c", "d"}, []string{"b", "c", "d"}},
		"Nobody":   {"without a place nothing is above", nil, []string{"a", "b", "c", "d"}, []string{"a", "b", "c", "d"}},
	} {
		s := standpoint{access.Caller{Path: tc.path}}
		var seen []string
		for _, org := range []string{"a", "b", "c", "d"} {
			if s.shown(org) != "" {
				seen = append(seen, org)
			}
		}
		if diff := cmp.Diff(tc.seen, seen); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, tc.reason, diff)
		}
		if diff := cmp.Diff(tc.from, s.from([]string{"a", "b", "c", "d"})); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, tc.reason, diff)
		}
	}
}
