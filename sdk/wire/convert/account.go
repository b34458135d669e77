package convert

import (
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	pb "tradewind.example/sdk/wire/providerv1"
)

// EnsureAccountRequestToWire translates a request for a sub-account.
func EnsureAccountRequestToWire(r provider.EnsureAccountRequest) *pb.EnsureAccountRequest {
	return &pb.EnsureAccountRequest{Call: CallToWire(r.Call), Token: r.Token, Name: r.Name, Email: r.Email}
}

// EnsureAccountRequestFromWire is the reverse of [EnsureAccountRequestToWire].
func EnsureAccountRequestFromWire(r *pb.EnsureAccountRequest) provider.EnsureAccountRequest {
	return provider.EnsureAccountRequest{
		Call: CallFromWire(r.GetCall()), Token: r.GetToken(), Name: r.GetName(), Email: r.GetEmail(),
	}
}

// SubAccountToWire translates a sub-account.
func SubAccountToWire(a provider.SubAccount) *pb.EnsureAccountResponse {
	return &pb.EnsureAccountResponse{
		Id: a.ID, Name: text(a.Name), Created: a.Created,
		Credentials: reveal(a.Credentials), Settings: a.Settings,
	}
}

// SubAccountFromWire is the reverse of [SubAccountToWire].
func SubAccountFromWire(a *pb.EnsureAccountResponse) provider.SubAccount {
	return provider.SubAccount{
		ID: a.GetId(), Name: a.GetName(), Created: a.GetCreated(),
		Credentials: conceal(a.GetCredentials()), Settings: a.GetSettings(),
	}
}

// SignInLinkRequestToWire translates a request for a console link.
func SignInLinkRequestToWire(r provider.SignInLinkRequest) *pb.SignInLinkRequest {
	return &pb.SignInLinkRequest{Call: CallToWire(r.Call), Target: r.Target}
}

// SignInLinkRequestFromWire is the reverse of [SignInLinkRequestToWire].
func SignInLinkRequestFromWire(r *pb.SignInLinkRequest) provider.SignInLinkRequest {
	return provider.SignInLinkRequest{Call: CallFromWire(r.GetCall()), Target: r.GetTarget()}
}

// SignInLinkToWire translates a console link.
func SignInLinkToWire(l provider.SignInLink) *pb.SignInLinkResponse {
	return &pb.SignInLinkResponse{Url: l.URL.Reveal(), Expires: timeToWire(l.Expires)}
}

// SignInLinkFromWire is the reverse of [SignInLinkToWire].
func SignInLinkFromWire(l *pb.SignInLinkResponse) provider.SignInLink {
	return provider.SignInLink{URL: secret.New(l.GetUrl()), Expires: timeFromWire(l.GetExpires())}
}
