package convert_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// fill draws a value for every field of v, so that a field which a converter
// forgets makes a difference.
func fill(t *rapid.T, v reflect.Value, label string) {
	switch v.Interface().(type) {
	case time.Time:
		sec := rapid.Int64Range(-62135596799, 253402300799).Draw(t, label)
		v.Set(reflect.ValueOf(time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, label)).UTC()))
		return
	case secret.Value:
		v.Set(reflect.ValueOf(secret.New(rapid.String().Draw(t, label))))
		return
	case json.RawMessage:
		b, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, label))
		if err != nil {
			t.Fatal(err)
		}
		v.SetBytes(b)
		return
	}
	fillKind(t, v, label)
}

func fillKind(t *rapid.T, v reflect.Value, label string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, label))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, label))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, label))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, label))
	case reflect.Uint16:
		v.SetUint(uint64(rapid.Uint16().Draw(t, label)))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Uint8().Draw(t, label)))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, label+"?") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), label)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, label+"#")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), label)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range rapid.IntRange(0, 3).Draw(t, label+"#") {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e, label)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", i)), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.Interface: // only Operation.Failure
		v.Set(reflect.ValueOf(drawFault(t)))
	default:
		t.Fatalf("no generator for %s", v.Type())
	}
}

func drawFault(t *rapid.T) *fault.Error {
	short := rapid.StringN(0, 40, 160)
	return &fault.Error{
		Class:      rapid.SampledFrom(fault.Classes()).Draw(t, "class"),
		Source:     fault.Source(rapid.IntRange(0, int(fault.SourceCloud)).Draw(t, "source")),
		Outcome:    fault.Outcome(rapid.IntRange(0, 1).Draw(t, "outcome")),
		Message:    short.Draw(t, "message"),
		CloudCode:  short.Draw(t, "code"),
		RequestID:  short.Draw(t, "request"),
		RetryAfter: time.Duration(rapid.Int64Min(0).Draw(t, "after")),
		Fields: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault.Field {
			return fault.Field{Path: short.Draw(t, "path"), Message: short.Draw(t, "text")}
		}), 0, 3).Draw(t, "fields"),
	}
}

var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b secret.Value) bool { return a.Reveal() == b.Reveal() }),
}

// trip checks that a value survives the way to the wire, over it and back.
func trip[T any, M proto.Message](to func(T) M, from func(M) T) func(*testing.T) {
	return tripErr(to, func(m M) (T, error) { return from(m), nil })
}

func tripErr[T any, M proto.Message](to func(T) M, from func(M) (T, error)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			var in T
			fill(t, reflect.ValueOf(&in).Elem(), "value")
			b, err := proto.Marshal(to(in))
			if err != nil {
				t.Fatal(err)
			}
			var m M
			m = m.ProtoReflect().New().Interface().(M)
			if err := proto.Unmarshal(b, m); err != nil {
				t.Fatal(err)
			}
			out, err := from(m)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(in, out, same); diff != "" {
				t.Fatalf("lost on the way (-sent +arrived):\n%s", diff)
			}
		})
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"call":                   trip(convert.CallToWire, convert.CallFromWire),
		"description":            trip(convert.DescriptionToWire, convert.DescriptionFromWire),
		"check request":          trip(convert.CheckRequestToWire, convert.CheckRequestFromWire),
		"check response":         trip(convert.CheckResponseToWire, convert.CheckResponseFromWire),
		"regions request":        trip(convert.RegionsRequestToWire, convert.RegionsRequestFromWire),
		"regions":                trip(convert.RegionsToWire, convert.RegionsFromWire),
		"offerings request":      trip(convert.OfferingsRequestToWire, convert.OfferingsRequestFromWire),
		"offering":               trip(convert.OfferingToWire, convert.OfferingFromWire),
		"quote request":          trip(convert.QuoteRequestToWire, convert.QuoteRequestFromWire),
		"quote":                  trip(convert.QuoteToWire, convert.QuoteFromWire),
		"place request":          trip(convert.PlaceRequestToWire, convert.PlaceRequestFromWire),
		"placement":              trip(convert.PlacementToWire, convert.PlacementFromWire),
		"resource":               trip(convert.ResourceToWire, convert.ResourceFromWire),
		"change":                 tripErr(convert.ChangeToWire, convert.ChangeFromWire),
		"create request":         trip(convert.CreateRequestToWire, convert.CreateRequestFromWire),
		"get request":            trip(convert.GetRequestToWire, convert.GetRequestFromWire),
		"list request":           trip(convert.ListRequestToWire, convert.ListRequestFromWire),
		"update request":         trip(convert.UpdateRequestToWire, convert.UpdateRequestFromWire),
		"delete request":         trip(convert.DeleteRequestToWire, convert.DeleteRequestFromWire),
		"find request":           trip(convert.FindRequestToWire, convert.FindRequestFromWire),
		"found":                  trip(convert.FoundToWire, convert.FoundFromWire),
		"action request":         trip(convert.ActionRequestToWire, convert.ActionRequestFromWire),
		"renew request":          trip(convert.RenewRequestToWire, convert.RenewRequestFromWire),
		"operation request":      trip(convert.OperationRequestToWire, convert.OperationRequestFromWire),
		"operation":              trip(convert.OperationToWire, convert.OperationFromWire),
		"import request":         trip(convert.ImportRequestToWire, convert.ImportRequestFromWire),
		"ensure account request": trip(convert.EnsureAccountRequestToWire, convert.EnsureAccountRequestFromWire),
		"sub-account":            trip(convert.SubAccountToWire, convert.SubAccountFromWire),
		"sign-in link request":   trip(convert.SignInLinkRequestToWire, convert.SignInLinkRequestFromWire),
		"sign-in link":           trip(convert.SignInLinkToWire, convert.SignInLinkFromWire),
		"vendor orders request":  trip(convert.VendorOrdersRequestToWire, convert.VendorOrdersRequestFromWire),
		"vendor order":           trip(convert.VendorOrderToWire, convert.VendorOrderFromWire),
		"pay request":            trip(convert.PayRequestToWire, convert.VendorOrderChangeFromWire[*pb.PayVendorOrderRequest]),
		"cancel request":         trip(convert.CancelRequestToWire, convert.VendorOrderChangeFromWire[*pb.CancelVendorOrderRequest]),
		"refund request":         trip(convert.RefundRequestToWire, convert.VendorOrderChangeFromWire[*pb.RefundVendorOrderRequest]),
		"bill lines request":     trip(convert.BillLinesRequestToWire, convert.BillLinesRequestFromWire),
		"bill line":              trip(convert.BillLineToWire, convert.BillLineFromWire),
		"usage request":          trip(convert.UsageRequestToWire, convert.UsageRequestFromWire),
		"usage record":           trip(convert.UsageRecordToWire, convert.UsageRecordFromWire),
		"balance request":        trip(convert.BalanceRequestToWire, convert.BalanceRequestFromWire),
		"balance":                trip(convert.BalanceToWire, convert.BalanceFromWire),
		"events request":         trip(convert.EventsRequestToWire, convert.EventsRequestFromWire),
		"logs request":           trip(convert.LogsRequestToWire, convert.LogsRequestFromWire),
		"console request":        trip(convert.ConsoleRequestToWire, convert.ConsoleRequestFromWire),
		"event":                  trip(convert.EventToWire, convert.EventFromWire),
		"key range":              trip(convert.KeyRangeToWire, convert.KeyRangeFromWire),
		"key value":              trip(convert.KeyValueToWire, convert.KeyValueFromWire),
		"transaction":            trip(convert.TransactionToWire, convert.TransactionFromWire),
		"now":                    trip(convert.NowToWire, convert.NowFromWire),
	} {
		t.Run(name, test)
	}
}

func TestZeroValuesStayZero(t *testing.T) {
	t.Parallel()
	in := provider.Resource{ID: "a"}
	out := convert.ResourceFromWire(convert.ResourceToWire(in))
	if diff := cmp.Diff(in, out); diff != "" {
		t.Errorf("zero times and empty JSON changed (-in +out):\n%s", diff)
	}
}

func TestForeignEncodingDoesNotLoseTheRow(t *testing.T) {
	t.Parallel()
	gbk := string([]byte{0xb1, 0xb1, 0xbe, 0xa9})
	if _, err := proto.Marshal(convert.ResourceToWire(provider.Resource{ID: "a", Name: gbk})); err != nil {
		t.Errorf("a name that is not UTF-8 cannot travel: %v", err)
	}
}
