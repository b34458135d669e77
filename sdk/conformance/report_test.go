package conformance_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func report() conformance.Report {
	return conformance.Report{Plugin: "hello", Version: "1.0.0", Way: "provider", Results: []conformance.Result{
		{ID: "a", Title: "one", Verdict: conformance.Pass, Took: time.Second},
		{ID: "b", Title: "two|three", Capability: "quote", Verdict: conformance.Fail, Reason: "first\nsecond"},
		{ID: "c", Title: "four", Verdict: conformance.Skip, Reason: "no account"},
		{ID: "d", Title: "five", Capability: "usage", Verdict: conformance.Skip, Reason: "no usage", Foreign: true},
	}}
}

const table = `hello 1.0.0 as a provider: 1 rules passed, 1 failed, 1 not proved, 1 do not apply.

| rule | what it proves | capability | result |
|---|---|---|---|
| ` + "`a`" + ` | one | every plugin | pass |
| ` + "`b`" + ` | two\|three | quote | fail: first; second |
| ` + "`c`" + ` | four | every plugin | not proved: no account |
| ` + "`d`" + ` | five | usage | does not apply: no usage |
`

func TestAReportIsReadable(t *testing.T) {
	t.Parallel()
	r := report()
	if diff := cmp.Diff(table, r.Markdown()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	raw, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back conformance.Report
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("through JSON (-want +got):\n%s", diff)
	}
	if r.Passed() {
		t.Error("a report with a broken rule has passed")
	}
	if b, ok := r.Result("b"); !ok || b.Verdict != conformance.Fail {
		t.Errorf("result b: %+v, %v", b, ok)
	}
	if _, ok := r.Result("z"); ok {
		t.Error("there is a result of a rule that was not checked")
	}
}

func TestASectionIsReplaced(t *testing.T) {
	t.Parallel()
	_, err := conformance.Section("# Hello\n", report())
	if err == nil {
		t.Fatal("a document without marks is accepted")
	}
	marks := strings.SplitAfter(err.Error(), "\n")[1:]
	doc := "# Hello\n\n" + marks[0] + "old\n" + marks[1] + "\n\n## More\n"
	got, err := conformance.Section(doc, report())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# Hello\n\n"+marks[0]+"\n"+table+"\n"+marks[1]+"\n\n## More\n", got); diff != "" {
		t.Errorf("section (-want +got):\n%s", diff)
	}
	again, err := conformance.Section(got, report())
	if err != nil || again != got {
		t.Errorf("the same report changes the document again: %v\n%s", err, again)
	}
}

func TestReadFixture(t *testing.T) {
	t.Parallel()
	f, err := conformance.ReadFixture(strings.NewReader(`{
		"account": {"id": "a", "settings": {"p": "1"}, "credentials": {"api_key": "marker-1"}},
		"region": "east",
		"kinds": {"disk": {"spec": {"size_gb": 1}, "term": {"billing": "prepaid", "period": "month", "periods": 1, "quantity": 1}, "many": 7}},
		"big": {"stream": "list", "kind": "disk", "rows": 5},
		"switches": {"lose": {"x": "1"}, "refused": {"quota": {"y": "1"}}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if f.Account.Credentials["api_key"].Reveal() != "marker-1" || f.Kinds["disk"].Many != 7 || f.Kinds["disk"].Term.Periods != 1 || f.Big.Rows != 5 {
		t.Errorf("fixture: %+v", f)
	}
	overlay, ok := f.Cloud.(conformance.Overlay)
	if !ok {
		t.Fatalf("the cloud is a %T", f.Cloud)
	}
	if err := f.Cloud.Refuse(t.Context(), fault.ClassQuota); err != nil || overlay.Settings()["y"] != "1" {
		t.Errorf("refusing: %v, settings %v", err, overlay.Settings())
	}
	if err := f.Cloud.Delay(t.Context(), time.Second); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("a switch that is not given: %v; want unsupported", err)
	}
	if err := f.Cloud.Clear(t.Context()); err != nil || len(overlay.Settings()) != 0 {
		t.Errorf("after clearing: %v", overlay.Settings())
	}
	for reason, doc := range map[string]string{
		"not JSON":      `{`,
		"unknown field": `{"acount": {}}`,
		"unknown class": `{"switches": {"refused": {"tired": {}}}}`,
	} {
		if _, err := conformance.ReadFixture(strings.NewReader(doc)); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

// FuzzReadFixture: what is read never fails in a way other than an error.
func FuzzReadFixture(f *testing.F) {
	f.Add(`{"account": {"id": "a"}, "kinds": {"disk": {"spec": {}}}}`)
	f.Add(`{"switches": {"refused": {"quota": {"y": "1"}}}, "big": {"rows": -1}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		fixture, err := conformance.ReadFixture(strings.NewReader(doc))
		if err == nil && fixture.Kinds == nil {
			t.Error("a fixture that was read has no place for kinds")
		}
	})
}

// TestReportsTellWhatIsToGo: users of the plugin read it beside what is proved.
func TestReportsTellWhatIsToGo(t *testing.T) {
	t.Parallel()
	r := report()
	r.Deprecated = []provider.Deprecation{{Place: "config.project", Instead: "Use workspace."}}
	if !strings.HasSuffix(r.Markdown(), "\n- `config.project`: Use workspace.\n") {
		t.Errorf("the report ends with\n%s", r.Markdown())
	}
}

func TestTwoWaysProveMore(t *testing.T) {
	t.Parallel()
	result := func(id string, v conformance.Verdict) conformance.Result {
		return conformance.Result{ID: id, Verdict: v}
	}
	one := conformance.Report{Way: "provider", Results: []conformance.Result{
		result("both", conformance.Pass), result("second", conformance.Skip), result("broken", conformance.Pass), result("none", conformance.Skip),
	}}
	two := conformance.Report{Way: "binary", Results: []conformance.Result{
		result("both", conformance.Pass), result("second", conformance.Pass), result("broken", conformance.Fail), result("none", conformance.Skip),
	}}
	got := one.With(two)
	want := []conformance.Verdict{conformance.Pass, conformance.Pass, conformance.Fail, conformance.Skip}
	for i, v := range want {
		if got.Results[i].Verdict != v {
			t.Errorf("%s: %s, want %s", got.Results[i].ID, got.Results[i].Verdict, v)
		}
	}
	if got.Way != "provider and as a binary" || one.Results[1].Verdict != conformance.Skip {
		t.Errorf("way %q; the reports themselves must stay", got.Way)
	}
}
