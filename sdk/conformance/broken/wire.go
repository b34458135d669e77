package broken

import (
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// The SDK keeps some rules for every plugin that is made with it. A plugin of
// another making can break them: it is this one, seen through a connection that
// changes what is asked and answered.

// unknown is how the suite's unknown names begin.
const unknown = "conformance_unknown"

// crooked returns conn as a plugin with a flaw would answer through it, and conn
// itself for flaws that the provider has.
func crooked(flaw Flaw, conn grpc.ClientConnInterface) grpc.ClientConnInterface {
	before := map[Flaw]func(req any) (answered bool, err error){
		"health": func(req any) (bool, error) {
			_, ok := req.(*pb.HealthRequest)
			return ok, convert.StatusFromFault(fault.Unavailable("not well"))
		},
		"capability-undeclared": func(req any) (bool, error) { _, ok := req.(*pb.BalanceRequest); return ok, nil },
		"kind-unknown": func(req any) (bool, error) {
			r, ok := req.(*pb.GetRequest)
			return ok && strings.HasPrefix(r.GetKind(), unknown), nil
		},
		"verb-unknown": func(req any) (bool, error) {
			r, ok := req.(*pb.ActRequest)
			return ok && strings.HasPrefix(r.GetAction(), unknown), nil
		},
		"token-required": func(req any) (bool, error) {
			r, ok := req.(*pb.CreateRequest)
			return ok && r.GetToken() == "", nil
		},
		"spec-unknown-field": func(req any) (bool, error) {
			if r, ok := req.(*pb.CreateRequest); ok {
				r.Spec = without(r.GetSpec())
			}
			return false, nil
		},
		"spec-required-field": func(req any) (bool, error) {
			if r, ok := req.(*pb.CreateRequest); ok && !strings.Contains(string(r.GetSpec()), "size_gb") {
				r.Spec = []byte(`{"size_gb":1}`)
			}
			return false, nil
		},
		"update-unknown-field": func(req any) (bool, error) {
			if r, ok := req.(*pb.UpdateRequest); ok {
				r.Spec = without(r.GetSpec())
			}
			return false, nil
		},
		"action-input": func(req any) (bool, error) {
			if r, ok := req.(*pb.ActRequest); ok && !strings.HasPrefix(r.GetAction(), unknown) {
				r.Input = without(r.GetInput())
			}
			return false, nil
		},
	}[flaw]
	if before == nil {
		return conn
	}
	return crookedConn{ClientConnInterface: conn, before: before}
}

// without takes the suite's unknown field out, as a plugin would that reads over it.
func without(doc []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(doc, &fields) != nil {
		return doc
	}
	for name := range fields {
		if strings.HasPrefix(name, unknown) {
			delete(fields, name)
		}
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return doc
	}
	return out
}

type crookedConn struct {
	grpc.ClientConnInterface
	before func(req any) (answered bool, err error)
}

// Invoke lets the flaw change the request, or answer in the plugin's place.
func (c crookedConn) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	if answered, err := c.before(req); answered {
		return err
	}
	return c.ClientConnInterface.Invoke(ctx, method, req, reply, opts...)
}

// small hides every ability but resources and operations, so that there is
// something that is not declared.
type small struct {
	provider.Provider
	provider.Resourceful
	provider.Operator
}
