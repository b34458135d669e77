package convert

import (
	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// RegionsRequestToWire translates a request for regions.
func RegionsRequestToWire(r provider.RegionsRequest) *pb.RegionsRequest {
	return &pb.RegionsRequest{Call: CallToWire(r.Call)}
}

// RegionsRequestFromWire is the reverse of [RegionsRequestToWire].
func RegionsRequestFromWire(r *pb.RegionsRequest) provider.RegionsRequest {
	return provider.RegionsRequest{Call: CallFromWire(r.GetCall())}
}

// RegionsToWire translates an answer of regions.
func RegionsToWire(in []provider.Region) *pb.RegionsResponse {
	return &pb.RegionsResponse{Regions: each(in, func(r provider.Region) *pb.Region {
		return &pb.Region{Id: r.ID, Name: text(r.Name), Zones: each(r.Zones, zoneToWire)}
	})}
}

// RegionsFromWire is the reverse of [RegionsToWire].
func RegionsFromWire(r *pb.RegionsResponse) []provider.Region {
	return each(r.GetRegions(), func(r *pb.Region) provider.Region {
		return provider.Region{ID: r.GetId(), Name: r.GetName(), Zones: each(r.GetZones(), zoneFromWire)}
	})
}

func zoneToWire(z provider.Zone) *pb.Zone { return &pb.Zone{Id: z.ID, Name: text(z.Name)} }

func zoneFromWire(z *pb.Zone) provider.Zone { return provider.Zone{ID: z.GetId(), Name: z.GetName()} }

// OfferingsRequestToWire translates a request for offerings.
func OfferingsRequestToWire(r provider.OfferingsRequest) *pb.OfferingsRequest {
	return &pb.OfferingsRequest{Call: CallToWire(r.Call), Kinds: r.Kinds, Types: r.Types}
}

// OfferingsRequestFromWire is the reverse of [OfferingsRequestToWire].
func OfferingsRequestFromWire(r *pb.OfferingsRequest) provider.OfferingsRequest {
	return provider.OfferingsRequest{Call: CallFromWire(r.GetCall()), Kinds: r.GetKinds(), Types: r.GetTypes()}
}

// OfferingToWire translates an offering.
func OfferingToWire(o provider.Offering) *pb.Offering {
	return &pb.Offering{
		Id: o.ID, Kind: o.Kind, Type: o.Type, Name: text(o.Name), Class: o.Class,
		Region: o.Region, Zone: o.Zone, Sellable: o.Sellable,
		Billing: texts(o.Billing), Periods: texts(o.Periods),
		Currency: o.Currency, ListPrice: string(o.ListPrice), Spec: o.Spec, Attrs: o.Attrs,
	}
}

// OfferingFromWire is the reverse of [OfferingToWire].
func OfferingFromWire(o *pb.Offering) provider.Offering {
	return provider.Offering{
		ID: o.GetId(), Kind: o.GetKind(), Type: o.GetType(), Name: o.GetName(), Class: o.GetClass(),
		Region: o.GetRegion(), Zone: o.GetZone(), Sellable: o.GetSellable(),
		Billing: words[provider.BillingMethod](o.GetBilling()), Periods: words[provider.Period](o.GetPeriods()),
		Currency: o.GetCurrency(), ListPrice: provider.Decimal(o.GetListPrice()),
		Spec: jsonFromWire(o.GetSpec()), Attrs: o.GetAttrs(),
	}
}

func termToWire(t provider.Term) *pb.Term {
	return &pb.Term{
		Billing: string(t.Billing), Period: string(t.Period),
		Periods: int64(t.Periods), Quantity: int64(t.Quantity),
	}
}

func termFromWire(t *pb.Term) provider.Term {
	return provider.Term{
		Billing: provider.BillingMethod(t.GetBilling()), Period: provider.Period(t.GetPeriod()),
		Periods: int(t.GetPeriods()), Quantity: int(t.GetQuantity()),
	}
}

// QuoteRequestToWire translates a request for a price.
func QuoteRequestToWire(r provider.QuoteRequest) *pb.QuoteRequest {
	return &pb.QuoteRequest{
		Call: CallToWire(r.Call), Change: string(r.Change), Kind: r.Kind, Spec: r.Spec,
		ResourceId: r.ResourceID, Term: termToWire(r.Term),
	}
}

// QuoteRequestFromWire is the reverse of [QuoteRequestToWire].
func QuoteRequestFromWire(r *pb.QuoteRequest) provider.QuoteRequest {
	return provider.QuoteRequest{
		Call: CallFromWire(r.GetCall()), Change: provider.ChangeKind(r.GetChange()), Kind: r.GetKind(),
		Spec: jsonFromWire(r.GetSpec()), ResourceID: r.GetResourceId(), Term: termFromWire(r.GetTerm()),
	}
}

// QuoteToWire translates a price.
func QuoteToWire(q provider.Quote) *pb.QuoteResponse {
	return &pb.QuoteResponse{
		Currency: q.Currency, List: string(q.List), Net: string(q.Net), Expires: timeToWire(q.Expires),
		Lines: each(q.Lines, func(l provider.QuoteLine) *pb.QuoteLine {
			return &pb.QuoteLine{Name: text(l.Name), List: string(l.List), Problem: text(l.Problem)}
		}),
	}
}

// QuoteFromWire is the reverse of [QuoteToWire].
func QuoteFromWire(q *pb.QuoteResponse) provider.Quote {
	return provider.Quote{
		Currency: q.GetCurrency(), List: provider.Decimal(q.GetList()), Net: provider.Decimal(q.GetNet()),
		Expires: timeFromWire(q.GetExpires()),
		Lines: each(q.GetLines(), func(l *pb.QuoteLine) provider.QuoteLine {
			return provider.QuoteLine{Name: l.GetName(), List: provider.Decimal(l.GetList()), Problem: l.GetProblem()}
		}),
	}
}

// PlaceRequestToWire translates a question for room.
func PlaceRequestToWire(r provider.PlaceRequest) *pb.PlaceRequest {
	return &pb.PlaceRequest{Call: CallToWire(r.Call), Kind: r.Kind, Spec: r.Spec, Term: termToWire(r.Term)}
}

// PlaceRequestFromWire is the reverse of [PlaceRequestToWire].
func PlaceRequestFromWire(r *pb.PlaceRequest) provider.PlaceRequest {
	return provider.PlaceRequest{
		Call: CallFromWire(r.GetCall()), Kind: r.GetKind(), Spec: jsonFromWire(r.GetSpec()), Term: termFromWire(r.GetTerm()),
	}
}

// PlacementToWire translates an answer about room.
func PlacementToWire(p provider.Placement) *pb.PlaceResponse {
	return &pb.PlaceResponse{Ok: p.OK, Reason: text(p.Reason), Zones: p.Zones}
}

// PlacementFromWire is the reverse of [PlacementToWire].
func PlacementFromWire(p *pb.PlaceResponse) provider.Placement {
	return provider.Placement{OK: p.GetOk(), Reason: p.GetReason(), Zones: p.GetZones()}
}
