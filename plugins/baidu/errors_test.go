package main

import (
	"strings"
	"testing"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// TestRefusalsHaveTheirClass: documented codes by the table, others by the
// account's config, by a word in them, or by the status.
func TestRefusalsHaveTheirClass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct {
		code    string
		status  int
		class   fault.Class
		outcome fault.Outcome
	}{
		"no permission":               {"AccessDenied", 403, fault.ClassForbidden, fault.OutcomeNotDone},
		"no real name":                {"QualifyNotPass", 403, fault.ClassForbidden, fault.OutcomeNotDone},
		"an unknown key":              {"InvalidAccessKeyId", 403, fault.ClassUnauthenticated, fault.OutcomeNotDone},
		"a wrong signature":           {"SignatureDoesNotMatch", 403, fault.ClassUnauthenticated, fault.OutcomeNotDone},
		"a wrong signature as 400":    {"SignatureDoesNotMatch", 400, fault.ClassUnauthenticated, fault.OutcomeNotDone},
		"an old request":              {"RequestExpired", 400, fault.ClassUnavailable, fault.OutcomeNotDone},
		"a wrong body":                {"InappropriateJSON", 400, fault.ClassInvalid, fault.OutcomeNotDone},
		"a wrong state":               {"PreconditionFailed", 412, fault.ClassPrecondition, fault.OutcomeNotDone},
		"no such thing":               {"NoSuchObject", 404, fault.ClassNotFound, fault.OutcomeNotDone},
		"a used token":                {"IdempotentParameterMismatch", 409, fault.ClassConflict, fault.OutcomeUnknown},
		"a failure":                   {"InternalError", 500, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a code of no table, 5xx":     {"Odd.Gateway", 503, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a code of no table, 409":     {"Odd.Clash", 409, fault.ClassConflict, fault.OutcomeNotDone},
		"a code of no table, 400":     {"Odd.Field", 400, fault.ClassInvalid, fault.OutcomeNotDone},
		"too often":                   {"Odd.Often", 429, fault.ClassThrottled, fault.OutcomeNotDone},
		"too often as 403":            {"TooManyRequests", 403, fault.ClassThrottled, fault.OutcomeNotDone},
		"none left":                   {"Bcc.NoStock", 400, fault.ClassOutOfStock, fault.OutcomeNotDone},
		"sold out":                    {"SPEC_SOLD_OUT", 403, fault.ClassOutOfStock, fault.OutcomeNotDone},
		"no money":                    {"Finance.BalanceTooLow", 400, fault.ClassInsufficientBalance, fault.OutcomeNotDone},
		"money owed":                  {"AccountArrears", 403, fault.ClassInsufficientBalance, fault.OutcomeNotDone},
		"too many":                    {"InstanceQuotaReached", 400, fault.ClassQuota, fault.OutcomeNotDone},
		"a code of the config":        {"PaymentFailed", 403, fault.ClassInsufficientBalance, fault.OutcomeNotDone},
		"the config before the words": {"OddStock", 400, fault.ClassQuota, fault.OutcomeNotDone},
	} {
		w.faults(t, sim.Fault{Kind: sim.KindRetCode, Code: c.code, Status: c.status, Message: "no " + hidden, Actions: []string{"CreateInstanceBySpec"}})
		req := w.order("tok-" + c.code)
		req.Call = w.call("error_codes", "PaymentFailed=insufficient_balance; OddStock=quota")
		_, err := w.Create(t.Context(), req)
		want(t, reason, err, c.class, c.outcome)
		e := fault.As(err)
		if e.CloudCode != c.code || e.RequestID == "" || e.Source != fault.SourceCloud || (c.class == fault.ClassThrottled) != (e.RetryAfter > 0) {
			t.Errorf("%s: %+v", reason, e)
		}
		if told, _, _ := strings.Cut(e.Message, ": check the clock"); told != "the cloud says: no "+secret.Mask || (told != e.Message) != (c.code == codeExpired) {
			t.Errorf("%s: the message is %q", reason, e.Message)
		}
	}
}

// TestSpoiltAnswers: what comes from something before the API is no word of it.
func TestSpoiltAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for reason, c := range map[string]struct {
		fault   sim.Fault
		class   fault.Class
		outcome fault.Outcome
	}{
		"a page instead of an answer":       {sim.Fault{Kind: sim.KindNonJSON, After: true}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a page with 502":                   {sim.Fault{Kind: sim.KindHTTP, Status: 502}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a page with 404":                   {sim.Fault{Kind: sim.KindHTTP, Status: 404}, fault.ClassInternal, fault.OutcomeNotDone},
		"an empty 404":                      {sim.Fault{Kind: sim.KindEmpty, Status: 404}, fault.ClassInternal, fault.OutcomeNotDone},
		"an empty 403":                      {sim.Fault{Kind: sim.KindEmpty}, fault.ClassForbidden, fault.OutcomeNotDone},
		"an empty 429":                      {sim.Fault{Kind: sim.KindEmpty, Status: 429}, fault.ClassThrottled, fault.OutcomeNotDone},
		"an empty 500":                      {sim.Fault{Kind: sim.KindEmpty, Status: 500}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a code that is a number, with 500": {sim.Fault{Kind: sim.KindCodeNumber}, fault.ClassUnavailable, fault.OutcomeUnknown},
		"a code that is a number, with 404": {sim.Fault{Kind: sim.KindCodeNumber, Status: 404}, fault.ClassInternal, fault.OutcomeNotDone},
		"a broken connection":               {sim.Fault{Kind: sim.KindDrop}, fault.ClassUnavailable, fault.OutcomeUnknown},
	} {
		c.fault.Actions = []string{"StartInstance", "CreateInstanceBySpec"}
		w.faults(t, c.fault)
		_, err := w.Create(t.Context(), w.order("tok-"+string(c.fault.Kind)))
		want(t, reason, err, c.class, c.outcome)
		if e := fault.As(err); e == nil || e.Source != fault.SourceCloud {
			t.Errorf("%s: %+v", reason, e)
		}
	}
}

func TestReadsAreAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Count: 2, Actions: []string{"GetInstanceDetail"}})
	w.get(t, "instance", id)
	w.faults(t, sim.Fault{Kind: sim.KindRetCode, Actions: []string{"StopInstance", "GetInstanceDetail"}})
	before := w.calls("GetInstanceDetail")
	_, err := w.Get(t.Context(), provider.GetRequest{Call: w.call(), Kind: "instance", ID: id})
	want(t, "a read that fails for good", err, fault.ClassUnavailable, fault.OutcomeNotDone)
	if n := w.calls("GetInstanceDetail") - before; n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestWrongAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.Check(t.Context(), provider.CheckRequest{Call: w.call()})
	if err != nil || !good.OK || good.Account != access {
		t.Errorf("a good account: %+v, %v", good, err)
	}
	wrong := w.call()
	wrong.Account.Credentials = map[string]secret.Value{"secret_key": secret.New("sk-of-somebody-else-0123")}
	answer, err := w.Check(t.Context(), provider.CheckRequest{Call: wrong})
	if err != nil || answer.OK || answer.Problem == "" {
		t.Errorf("a wrong key: %+v, %v", answer, err)
	}
	for reason, call := range map[string]provider.Call{
		"a short key": func() provider.Call {
			c := w.call()
			c.Account.Credentials["secret_key"] = secret.New("short")
			return c
		}(),
		"a path":           func() provider.Call { c := w.call(); c.Account.Endpoint += "/api"; return c }(),
		"no URL":           func() provider.Call { c := w.call(); c.Account.Endpoint = "bcc.example"; return c }(),
		"an unknown class": w.call("error_codes", "Code=nothing"),
		"no class":         w.call("error_codes", "Code"),
		"a wrong domain":   w.call("domain", "evil.example/x"),
	} {
		_, err := w.Check(t.Context(), provider.CheckRequest{Call: call})
		want(t, reason, err, fault.ClassInvalid, fault.OutcomeNotDone)
	}
	nobody := w.call()
	nobody.Account.Endpoint = "http://127.0.0.1:1"
	_, err = w.Create(t.Context(), func() provider.CreateRequest { r := w.order("tok-1"); r.Call = nobody; return r }())
	want(t, "nobody there", err, fault.ClassUnavailable, fault.OutcomeNotDone)
}
