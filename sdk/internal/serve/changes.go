package serve

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Create asks the kind's creator, with a spec that fits the schema.
func (s *Server) Create(ctx context.Context, req *pb.CreateRequest) (*pb.CreateResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if k.Create == nil {
		return nil, k.verb(provider.VerbCreate)
	}
	if err := needToken(req.GetToken()); err != nil {
		return nil, err
	}
	if err := k.checkSpec(req.GetSpec()); err != nil {
		return nil, err
	}
	change, err := s.answer(k.Create(ctx, convert.CreateRequestFromWire(req)))
	return &pb.CreateResponse{Change: change}, err
}

// Update asks the kind's updater, with a spec that fits the schema.
func (s *Server) Update(ctx context.Context, req *pb.UpdateRequest) (*pb.UpdateResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if k.Update == nil {
		return nil, k.verb(provider.VerbUpdate)
	}
	if err := needTarget(req); err != nil {
		return nil, err
	}
	if err := k.checkSpec(req.GetSpec()); err != nil {
		return nil, err
	}
	change, err := s.answer(k.Update(ctx, convert.UpdateRequestFromWire(req)))
	return &pb.UpdateResponse{Change: change}, err
}

// Delete asks the kind's deleter.
func (s *Server) Delete(ctx context.Context, req *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if k.Delete == nil {
		return nil, k.verb(provider.VerbDelete)
	}
	if err := needTarget(req); err != nil {
		return nil, err
	}
	change, err := s.answer(k.Delete(ctx, convert.DeleteRequestFromWire(req)))
	return &pb.DeleteResponse{Change: change}, err
}

// Act performs a registered action, with an input that fits its schema.
func (s *Server) Act(ctx context.Context, req *pb.ActRequest) (*pb.ActResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	a, ok := k.actions[req.GetAction()]
	if !ok {
		return nil, fault.Unsupported("kind %q has no action %q", req.GetKind(), req.GetAction())
	}
	if err := needID(req.GetId()); err != nil {
		return nil, err
	}
	if a.Changes {
		if err := needToken(req.GetToken()); err != nil {
			return nil, err
		}
	}
	if a.input != nil {
		if err := a.input.Validate(req.GetInput(), "input"); err != nil {
			return nil, err
		}
	}
	change, err := s.answer(a.do(ctx, convert.ActionRequestFromWire(req)))
	return &pb.ActResponse{Change: change}, err
}

// Renew asks a provider.Renewer.
func (s *Server) Renew(ctx context.Context, req *pb.RenewRequest) (*pb.RenewResponse, error) {
	r, err := offered[provider.Renewer](s, provider.CapRenew)
	if err != nil {
		return nil, err
	}
	if err := needTarget(req); err != nil {
		return nil, err
	}
	if req.GetTerm().GetPeriods() < 1 {
		return nil, fault.Invalid("term.periods", "must be at least 1")
	}
	change, err := s.answer(r.Renew(ctx, convert.RenewRequestFromWire(req)))
	return &pb.RenewResponse{Change: change}, err
}

// EnsureAccount asks a provider.Accounter.
func (s *Server) EnsureAccount(ctx context.Context, req *pb.EnsureAccountRequest) (*pb.EnsureAccountResponse, error) {
	a, err := offered[provider.Accounter](s, provider.CapAccounts)
	if err != nil {
		return nil, err
	}
	if err := needToken(req.GetToken()); err != nil {
		return nil, err
	}
	account, err := a.EnsureAccount(ctx, convert.EnsureAccountRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.SubAccountToWire(account), nil
}

// PayVendorOrder asks a provider.VendorOrderer.
func (s *Server) PayVendorOrder(ctx context.Context, req *pb.PayVendorOrderRequest) (*pb.PayVendorOrderResponse, error) {
	o, err := s.vendorOrder(ctx, req, provider.VendorOrderer.PayVendorOrder)
	return &pb.PayVendorOrderResponse{Order: o}, err
}

// CancelVendorOrder asks a provider.VendorOrderer.
func (s *Server) CancelVendorOrder(ctx context.Context, req *pb.CancelVendorOrderRequest) (*pb.CancelVendorOrderResponse, error) {
	o, err := s.vendorOrder(ctx, req, provider.VendorOrderer.CancelVendorOrder)
	return &pb.CancelVendorOrderResponse{Order: o}, err
}

// RefundVendorOrder asks a provider.VendorOrderer.
func (s *Server) RefundVendorOrder(ctx context.Context, req *pb.RefundVendorOrderRequest) (*pb.RefundVendorOrderResponse, error) {
	o, err := s.vendorOrder(ctx, req, provider.VendorOrderer.RefundVendorOrder)
	return &pb.RefundVendorOrderResponse{Order: o}, err
}

// target is a request for a change of something that exists.
type target interface {
	GetCall() *pb.Call
	GetToken() string
	GetId() string
}

func needTarget(req target) error {
	if err := needID(req.GetId()); err != nil {
		return err
	}
	return needToken(req.GetToken())
}

func (s *Server) vendorOrder(
	ctx context.Context, req target,
	do func(provider.VendorOrderer, context.Context, provider.VendorOrderChange) (provider.VendorOrder, error),
) (*pb.VendorOrder, error) {
	v, err := offered[provider.VendorOrderer](s, provider.CapVendorOrders)
	if err != nil {
		return nil, err
	}
	if err := needTarget(req); err != nil {
		return nil, err
	}
	o, err := do(v, ctx, convert.VendorOrderChangeFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.VendorOrderToWire(o), nil
}

// answer translates a change. One that was started by a plugin that cannot
// tell how far it is could never be finished.
func (s *Server) answer(c provider.Change, err error) (*pb.Change, error) {
	if err != nil {
		return nil, err
	}
	if _, ok := s.provider.(provider.Operator); c.Operation != "" && !ok {
		return nil, &fault.Error{
			Class: fault.ClassInternal, Outcome: fault.OutcomeUnknown,
			Message: "the plugin started an operation but implements no Operator to poll it",
		}
	}
	if err := bounded(fault.OutcomeUnknown, c.Resource); err != nil {
		return nil, err
	}
	return convert.ChangeToWire(c), nil
}
