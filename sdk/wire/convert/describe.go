package convert

import (
	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// DescriptionToWire translates a plugin's self-portrait.
func DescriptionToWire(d provider.Description) *pb.Description {
	return &pb.Description{
		Name: d.Name, Version: d.Version, Title: d.Title, Summary: d.Summary,
		ConfigSchema: d.Config,
		Regions:      &pb.RegionsModel{HasRegions: d.Regions.HasRegions, HasZones: d.Regions.HasZones},
		Kinds:        each(d.Kinds, kindToWire),
		Limits: &pb.Limits{
			MaxPageSize: int64(d.Limits.MaxPageSize), MaxConcurrent: int64(d.Limits.MaxConcurrent),
			RatePerSecond: int64(d.Limits.RatePerSecond),
			TokenWindow:   durationToWire(d.Limits.TokenWindow), CreateDeadline: durationToWire(d.Limits.CreateDeadline),
		},
		Capabilities: texts(d.Capabilities), Currency: d.Currency, ContractMinor: int64(d.ContractMinor),
	}
}

// DescriptionFromWire is the reverse of [DescriptionToWire].
func DescriptionFromWire(d *pb.Description) provider.Description {
	l := d.GetLimits()
	return provider.Description{
		Name: d.GetName(), Version: d.GetVersion(), Title: d.GetTitle(), Summary: d.GetSummary(),
		Config: jsonFromWire(d.GetConfigSchema()),
		Regions: provider.RegionsModel{
			HasRegions: d.GetRegions().GetHasRegions(), HasZones: d.GetRegions().GetHasZones(),
		},
		Kinds: each(d.GetKinds(), kindFromWire),
		Limits: provider.Limits{
			MaxPageSize: int(l.GetMaxPageSize()), MaxConcurrent: int(l.GetMaxConcurrent()),
			RatePerSecond: int(l.GetRatePerSecond()),
			TokenWindow:   l.GetTokenWindow().AsDuration(), CreateDeadline: l.GetCreateDeadline().AsDuration(),
		},
		Capabilities: words[provider.Capability](d.GetCapabilities()), Currency: d.GetCurrency(),
		ContractMinor: int(d.GetContractMinor()),
	}
}

func kindToWire(k provider.KindDescription) *pb.KindDescription {
	return &pb.KindDescription{
		Name: k.Name, Title: k.Title, SpecSchema: k.Spec, StateSchema: k.State,
		Verbs: texts(k.Verbs), Actions: each(k.Actions, actionToWire), Managed: k.Managed, Deprecated: k.Deprecated,
		PartKinds: k.PartKinds,
	}
}

func kindFromWire(k *pb.KindDescription) provider.KindDescription {
	return provider.KindDescription{
		Name: k.GetName(), Title: k.GetTitle(),
		Spec: jsonFromWire(k.GetSpecSchema()), State: jsonFromWire(k.GetStateSchema()),
		Verbs: words[provider.Verb](k.GetVerbs()), Actions: each(k.GetActions(), actionFromWire), Managed: k.GetManaged(),
		Deprecated: k.GetDeprecated(), PartKinds: k.GetPartKinds(),
	}
}

func actionToWire(a provider.ActionDescription) *pb.ActionDescription {
	return &pb.ActionDescription{
		Name: a.Name, Title: a.Title, InputSchema: a.Input, OutputSchema: a.Output,
		Changes: a.Changes, Destructive: a.Destructive, Deprecated: a.Deprecated,
	}
}

func actionFromWire(a *pb.ActionDescription) provider.ActionDescription {
	return provider.ActionDescription{
		Name: a.GetName(), Title: a.GetTitle(),
		Input: jsonFromWire(a.GetInputSchema()), Output: jsonFromWire(a.GetOutputSchema()),
		Changes: a.GetChanges(), Destructive: a.GetDestructive(), Deprecated: a.GetDeprecated(),
	}
}

// CheckRequestToWire translates a check.
func CheckRequestToWire(r provider.CheckRequest) *pb.CheckRequest {
	return &pb.CheckRequest{Call: CallToWire(r.Call)}
}

// CheckRequestFromWire is the reverse of [CheckRequestToWire].
func CheckRequestFromWire(r *pb.CheckRequest) provider.CheckRequest {
	return provider.CheckRequest{Call: CallFromWire(r.GetCall())}
}

// CheckResponseToWire translates a verdict on credentials.
func CheckResponseToWire(r provider.CheckResponse) *pb.CheckResponse {
	return &pb.CheckResponse{
		Ok: r.OK, Account: text(r.Account), Problem: text(r.Problem), Details: each(r.Details, text),
	}
}

// CheckResponseFromWire is the reverse of [CheckResponseToWire].
func CheckResponseFromWire(r *pb.CheckResponse) provider.CheckResponse {
	return provider.CheckResponse{
		OK: r.GetOk(), Account: r.GetAccount(), Problem: r.GetProblem(), Details: r.GetDetails(),
	}
}
