package convert

import (
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// ResourceToWire translates a resource.
func ResourceToWire(r provider.Resource) *pb.Resource {
	return &pb.Resource{
		Id: r.ID, Kind: r.Kind, Name: text(r.Name), Region: r.Region, Zone: r.Zone,
		Status: string(r.Status), RawStatus: text(r.RawStatus), Token: r.Token, Billing: string(r.Billing),
		Created: timeToWire(r.Created), Expires: timeToWire(r.Expires), State: r.State,
		Parts: partsToWire(r.Parts),
	}
}

// ResourceFromWire is the reverse of [ResourceToWire].
func ResourceFromWire(r *pb.Resource) provider.Resource {
	return provider.Resource{
		ID: r.GetId(), Kind: r.GetKind(), Name: r.GetName(), Region: r.GetRegion(), Zone: r.GetZone(),
		Status: provider.Status(r.GetStatus()), RawStatus: r.GetRawStatus(), Token: r.GetToken(),
		Billing: provider.BillingMethod(r.GetBilling()),
		Created: timeFromWire(r.GetCreated()), Expires: timeFromWire(r.GetExpires()),
		State: jsonFromWire(r.GetState()), Parts: partsFromWire(r.GetParts()),
	}
}

// partsToWire keeps parts that are not told apart from none.
func partsToWire(all []provider.Part) *pb.PartList {
	if all == nil {
		return nil
	}
	return &pb.PartList{Parts: each(all, func(p provider.Part) *pb.Part {
		return &pb.Part{
			Id: p.ID, Kind: p.Kind, Name: text(p.Name), Region: p.Region, Zone: p.Zone,
			Status: string(p.Status), RawStatus: text(p.RawStatus), State: p.State,
		}
	})}
}

func partsFromWire(all *pb.PartList) []provider.Part {
	if all == nil {
		return nil
	}
	out := make([]provider.Part, 0, len(all.GetParts()))
	for _, p := range all.GetParts() {
		out = append(out, provider.Part{
			ID: p.GetId(), Kind: p.GetKind(), Name: p.GetName(), Region: p.GetRegion(), Zone: p.GetZone(),
			Status: provider.Status(p.GetStatus()), RawStatus: p.GetRawStatus(), State: jsonFromWire(p.GetState()),
		})
	}
	return out
}

func optionalResourceToWire(r *provider.Resource) *pb.Resource {
	if r == nil {
		return nil
	}
	return ResourceToWire(*r)
}

func optionalResourceFromWire(r *pb.Resource) *provider.Resource {
	if r == nil {
		return nil
	}
	out := ResourceFromWire(r)
	return &out
}

// ChangeToWire translates the answer to a change.
func ChangeToWire(c provider.Change) *pb.Change {
	out := &pb.Change{
		Resource: optionalResourceToWire(c.Resource), Output: c.Output,
		VendorOrder: c.VendorOrder, Cost: string(c.Cost), Currency: c.Currency,
	}
	if c.Operation == "" {
		out.Answer = &pb.Change_Done{Done: &pb.ChangeDone{}}
	} else {
		out.Answer = &pb.Change_Started{Started: &pb.ChangeStarted{Operation: c.Operation}}
	}
	return out
}

// ChangeFromWire is the reverse of [ChangeToWire]. An answer that is neither
// done nor started, from a newer peer, is a fault with the outcome unknown.
func ChangeFromWire(c *pb.Change) (provider.Change, error) {
	out := provider.Change{
		Resource: optionalResourceFromWire(c.GetResource()), Output: jsonFromWire(c.GetOutput()),
		VendorOrder: c.GetVendorOrder(), Cost: provider.Decimal(c.GetCost()), Currency: c.GetCurrency(),
	}
	switch a := c.GetAnswer().(type) {
	case *pb.Change_Done:
		return out, nil
	case *pb.Change_Started:
		out.Operation = a.Started.GetOperation()
		if out.Operation != "" {
			return out, nil
		}
	}
	return provider.Change{}, &fault.Error{
		Class: fault.ClassInternal, Source: fault.SourcePlugin, Outcome: fault.OutcomeUnknown,
		Message: "the plugin's answer says neither done nor started",
	}
}

// CreateRequestToWire translates a create.
func CreateRequestToWire(r provider.CreateRequest) *pb.CreateRequest {
	return &pb.CreateRequest{
		Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Name: r.Name, Spec: r.Spec, Term: termToWire(r.Term),
	}
}

// CreateRequestFromWire is the reverse of [CreateRequestToWire].
func CreateRequestFromWire(r *pb.CreateRequest) provider.CreateRequest {
	return provider.CreateRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(), Name: r.GetName(),
		Spec: jsonFromWire(r.GetSpec()), Term: termFromWire(r.GetTerm()),
	}
}

// GetRequestToWire translates a get.
func GetRequestToWire(r provider.GetRequest) *pb.GetRequest {
	return &pb.GetRequest{Call: CallToWire(r.Call), Kind: r.Kind, Id: r.ID}
}

// GetRequestFromWire is the reverse of [GetRequestToWire].
func GetRequestFromWire(r *pb.GetRequest) provider.GetRequest {
	return provider.GetRequest{Call: CallFromWire(r.GetCall()), Kind: r.GetKind(), ID: r.GetId()}
}

// ListRequestToWire translates a list.
func ListRequestToWire(r provider.ListRequest) *pb.ListRequest {
	return &pb.ListRequest{Call: CallToWire(r.Call), Kind: r.Kind}
}

// ListRequestFromWire is the reverse of [ListRequestToWire].
func ListRequestFromWire(r *pb.ListRequest) provider.ListRequest {
	return provider.ListRequest{Call: CallFromWire(r.GetCall()), Kind: r.GetKind()}
}

// UpdateRequestToWire translates an update.
func UpdateRequestToWire(r provider.UpdateRequest) *pb.UpdateRequest {
	return &pb.UpdateRequest{Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Id: r.ID, Spec: r.Spec}
}

// UpdateRequestFromWire is the reverse of [UpdateRequestToWire].
func UpdateRequestFromWire(r *pb.UpdateRequest) provider.UpdateRequest {
	return provider.UpdateRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(), ID: r.GetId(),
		Spec: jsonFromWire(r.GetSpec()),
	}
}

// DeleteRequestToWire translates a delete.
func DeleteRequestToWire(r provider.DeleteRequest) *pb.DeleteRequest {
	return &pb.DeleteRequest{Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Id: r.ID}
}

// DeleteRequestFromWire is the reverse of [DeleteRequestToWire].
func DeleteRequestFromWire(r *pb.DeleteRequest) provider.DeleteRequest {
	return provider.DeleteRequest{Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(), ID: r.GetId()}
}

// FindRequestToWire translates a search by token.
func FindRequestToWire(r provider.FindRequest) *pb.FindByTokenRequest {
	return &pb.FindByTokenRequest{
		Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Change: string(r.Change), Id: r.ID,
		Since: timeToWire(r.Since),
	}
}

// FindRequestFromWire is the reverse of [FindRequestToWire].
func FindRequestFromWire(r *pb.FindByTokenRequest) provider.FindRequest {
	return provider.FindRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(),
		Change: provider.ChangeKind(r.GetChange()), ID: r.GetId(), Since: timeFromWire(r.GetSince()),
	}
}

// FoundToWire translates what a token made.
func FoundToWire(f provider.Found) *pb.FindByTokenResponse {
	return &pb.FindByTokenResponse{
		Resources: each(f.Resources, ResourceToWire), Operation: f.Operation, Done: f.Done, Settled: f.Settled,
	}
}

// FoundFromWire is the reverse of [FoundToWire].
func FoundFromWire(f *pb.FindByTokenResponse) provider.Found {
	return provider.Found{
		Resources: each(f.GetResources(), ResourceFromWire), Operation: f.GetOperation(),
		Done: f.GetDone(), Settled: f.GetSettled(),
	}
}

// ActionRequestToWire translates an action.
func ActionRequestToWire(r provider.ActionRequest) *pb.ActRequest {
	return &pb.ActRequest{
		Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Id: r.ID, Action: r.Action, Input: r.Input,
	}
}

// ActionRequestFromWire is the reverse of [ActionRequestToWire].
func ActionRequestFromWire(r *pb.ActRequest) provider.ActionRequest {
	return provider.ActionRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(), ID: r.GetId(),
		Action: r.GetAction(), Input: jsonFromWire(r.GetInput()),
	}
}

// RenewRequestToWire translates a renewal.
func RenewRequestToWire(r provider.RenewRequest) *pb.RenewRequest {
	return &pb.RenewRequest{Call: CallToWire(r.Call), Token: r.Token, Kind: r.Kind, Id: r.ID, Term: termToWire(r.Term)}
}

// RenewRequestFromWire is the reverse of [RenewRequestToWire].
func RenewRequestFromWire(r *pb.RenewRequest) provider.RenewRequest {
	return provider.RenewRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Kind: r.GetKind(), ID: r.GetId(), Term: termFromWire(r.GetTerm()),
	}
}

// OperationRequestToWire translates a poll.
func OperationRequestToWire(r provider.OperationRequest) *pb.OperationRequest {
	return &pb.OperationRequest{Call: CallToWire(r.Call), Id: r.ID}
}

// OperationRequestFromWire is the reverse of [OperationRequestToWire].
func OperationRequestFromWire(r *pb.OperationRequest) provider.OperationRequest {
	return provider.OperationRequest{Call: CallFromWire(r.GetCall()), ID: r.GetId()}
}

// OperationToWire translates where an operation stands.
func OperationToWire(o provider.Operation) *pb.OperationResponse {
	return &pb.OperationResponse{
		Id: o.ID, State: string(o.State), Progress: int64(o.Progress), Message: text(o.Message),
		Resource: optionalResourceToWire(o.Resource), Failure: FaultToWire(o.Failure),
		CheckAfter: durationToWire(o.CheckAfter),
	}
}

// OperationFromWire is the reverse of [OperationToWire].
func OperationFromWire(o *pb.OperationResponse) provider.Operation {
	out := provider.Operation{
		ID: o.GetId(), State: provider.OperationState(o.GetState()), Progress: int(o.GetProgress()),
		Message: o.GetMessage(), Resource: optionalResourceFromWire(o.GetResource()),
		CheckAfter: o.GetCheckAfter().AsDuration(),
	}
	if f := o.GetFailure(); f != nil {
		out.Failure = FaultFromWire(f)
	}
	return out
}

// ImportRequestToWire translates a request for everything an account owns.
func ImportRequestToWire(r provider.ImportRequest) *pb.ImportRequest {
	return &pb.ImportRequest{Call: CallToWire(r.Call), Kinds: r.Kinds}
}

// ImportRequestFromWire is the reverse of [ImportRequestToWire].
func ImportRequestFromWire(r *pb.ImportRequest) provider.ImportRequest {
	return provider.ImportRequest{Call: CallFromWire(r.GetCall()), Kinds: r.GetKinds()}
}
