package serve

import (
	"context"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Describe answers with the description kept since the start.
func (s *Server) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return &pb.DescribeResponse{Description: s.wire}, nil
}

// Check asks the provider whether the credentials are good.
func (s *Server) Check(ctx context.Context, req *pb.CheckRequest) (*pb.CheckResponse, error) {
	resp, err := s.provider.Check(ctx, convert.CheckRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.CheckResponseToWire(resp), nil
}

// Shutdown lets the provider put its things away.
func (s *Server) Shutdown(ctx context.Context, _ *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	if c, ok := s.provider.(provider.Closer); ok {
		if err := c.Shutdown(ctx); err != nil {
			return nil, err
		}
	}
	return &pb.ShutdownResponse{}, nil
}

// Regions asks a provider.Regional.
func (s *Server) Regions(ctx context.Context, req *pb.RegionsRequest) (*pb.RegionsResponse, error) {
	r, err := offered[provider.Regional](s, provider.CapRegions)
	if err != nil {
		return nil, err
	}
	regions, err := r.Regions(ctx, convert.RegionsRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.RegionsToWire(regions), nil
}

// Quote asks a provider.Quoter, with a spec that fits the kind's schema.
func (s *Server) Quote(ctx context.Context, req *pb.QuoteRequest) (*pb.QuoteResponse, error) {
	q, err := offered[provider.Quoter](s, provider.CapQuote)
	if err != nil {
		return nil, err
	}
	r := convert.QuoteRequestFromWire(req)
	if r.Change == provider.ChangeCreate || len(r.Spec) > 0 {
		if err := s.checkSpec(r.Kind, r.Spec); err != nil {
			return nil, err
		}
	}
	quote, err := q.Quote(ctx, r)
	if err != nil {
		return nil, err
	}
	return convert.QuoteToWire(quote), nil
}

// Place asks a provider.Placer, with a spec that fits the kind's schema.
func (s *Server) Place(ctx context.Context, req *pb.PlaceRequest) (*pb.PlaceResponse, error) {
	p, err := offered[provider.Placer](s, provider.CapPlacement)
	if err != nil {
		return nil, err
	}
	r := convert.PlaceRequestFromWire(req)
	if err := s.checkSpec(r.Kind, r.Spec); err != nil {
		return nil, err
	}
	placement, err := p.Place(ctx, r)
	if err != nil {
		return nil, err
	}
	return convert.PlacementToWire(placement), nil
}

// checkSpec validates spec against a kind that is registered; a provider may
// also price things that are no kind of it.
func (s *Server) checkSpec(name string, spec []byte) error {
	k := s.kinds[name]
	if k == nil {
		return nil
	}
	return k.checkSpec(spec)
}

// Get asks the kind's getter.
func (s *Server) Get(ctx context.Context, req *pb.GetRequest) (*pb.GetResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if k.Get == nil {
		return nil, k.verb(provider.VerbGet)
	}
	if err := needID(req.GetId()); err != nil {
		return nil, err
	}
	r, err := k.Get(ctx, convert.GetRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	if err := bounded(fault.OutcomeNotDone, &r); err != nil {
		return nil, err
	}
	return &pb.GetResponse{Resource: convert.ResourceToWire(r)}, nil
}

// FindByToken asks the kind's finder.
func (s *Server) FindByToken(ctx context.Context, req *pb.FindByTokenRequest) (*pb.FindByTokenResponse, error) {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if k.FindByToken == nil {
		return nil, k.verb(provider.VerbFindByToken)
	}
	if err := needToken(req.GetToken()); err != nil {
		return nil, err
	}
	f, err := k.FindByToken(ctx, convert.FindRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	for i := range f.Resources {
		if err := bounded(fault.OutcomeNotDone, &f.Resources[i]); err != nil {
			return nil, err
		}
	}
	return convert.FoundToWire(f), nil
}

// Operation asks a provider.Operator.
func (s *Server) Operation(ctx context.Context, req *pb.OperationRequest) (*pb.OperationResponse, error) {
	o, err := offered[provider.Operator](s, provider.CapOperations)
	if err != nil {
		return nil, err
	}
	if err := needID(req.GetId()); err != nil {
		return nil, err
	}
	op, err := o.Operation(ctx, convert.OperationRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	if err := bounded(fault.OutcomeNotDone, op.Resource); err != nil {
		return nil, err
	}
	return convert.OperationToWire(op), nil
}

// SignInLink asks a provider.SignInLinker.
func (s *Server) SignInLink(ctx context.Context, req *pb.SignInLinkRequest) (*pb.SignInLinkResponse, error) {
	l, err := offered[provider.SignInLinker](s, provider.CapSignIn)
	if err != nil {
		return nil, err
	}
	link, err := l.SignInLink(ctx, convert.SignInLinkRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.SignInLinkToWire(link), nil
}

// Balance asks a provider.Balancer.
func (s *Server) Balance(ctx context.Context, req *pb.BalanceRequest) (*pb.BalanceResponse, error) {
	b, err := offered[provider.Balancer](s, provider.CapBalance)
	if err != nil {
		return nil, err
	}
	balance, err := b.Balance(ctx, convert.BalanceRequestFromWire(req))
	if err != nil {
		return nil, err
	}
	return convert.BalanceToWire(balance), nil
}

func needID(id string) error {
	if id == "" {
		return fault.Invalid("id", "is required")
	}
	return nil
}

// needToken refuses a change that could not be found again.
func needToken(token string) error {
	if token == "" {
		return fault.Invalid("token", "is required: a change must be findable after a lost answer")
	}
	return nil
}
