package fakecloud

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/sdk/fault"
)

// Faults is a cloud whose troubles the conformance suite can switch: use it as
// the Cloud of a conformance.Fixture.
type Faults struct{ Cloud *Cloud }

// always is the Times of a fault that lasts until Clear.
const always = -1

// LoseAnswers lets every create happen and its answer be lost.
func (f Faults) LoseAnswers(context.Context) error {
	f.Cloud.Heal()
	f.Cloud.Inject(Fault{Trouble: LoseAnswer, Creates: true, Times: always})
	return nil
}

// Delay makes every request take d on the cloud's clock.
func (f Faults) Delay(_ context.Context, d time.Duration) error {
	f.Cloud.Heal()
	f.Cloud.Set(Switches{Latency: d})
	return nil
}

// Refuse refuses every create with the status and code that mean class; what
// the API has no words for is an unsupported fault.
func (f Faults) Refuse(_ context.Context, class fault.Class) error {
	words := map[fault.Class]Fault{
		fault.ClassInvalid:             {Status: http.StatusBadRequest, Code: "BadSpec"},
		fault.ClassUnauthenticated:     {Status: http.StatusUnauthorized, Code: "BadSignature"},
		fault.ClassForbidden:           {Status: http.StatusForbidden, Code: "Forbidden"},
		fault.ClassConflict:            {Status: http.StatusConflict, Code: "TokenUsed"},
		fault.ClassPrecondition:        {Status: http.StatusConflict, Code: "WrongStatus"},
		fault.ClassThrottled:           {Status: http.StatusTooManyRequests, Code: "Throttled"},
		fault.ClassQuota:               {Status: http.StatusForbidden, Code: "QuotaExceeded"},
		fault.ClassOutOfStock:          {Status: http.StatusConflict, Code: "OutOfStock"},
		fault.ClassInsufficientBalance: {Status: http.StatusPaymentRequired, Code: "NoMoney"},
		fault.ClassUnavailable:         {Status: http.StatusServiceUnavailable, Code: "ServerError"},
	}
	trouble, ok := words[class]
	if !ok {
		return fault.Unsupported("this cloud has no answer that means %s", class)
	}
	trouble.Trouble, trouble.Creates, trouble.Times = FailBefore, true, always
	f.Cloud.Heal()
	f.Cloud.Inject(trouble)
	return nil
}

// Clear ends every fault.
func (f Faults) Clear(context.Context) error {
	f.Cloud.Heal()
	return nil
}
