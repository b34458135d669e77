package convert

import (
	"tradewind.example/sdk/provider"
	pb "tradewind.example/sdk/wire/providerv1"
)

// VendorOrdersRequestToWire translates a request for the cloud's orders.
func VendorOrdersRequestToWire(r provider.VendorOrdersRequest) *pb.VendorOrdersRequest {
	return &pb.VendorOrdersRequest{
		Call: CallToWire(r.Call), From: timeToWire(r.From), To: timeToWire(r.To), State: r.State,
	}
}

// VendorOrdersRequestFromWire is the reverse of [VendorOrdersRequestToWire].
func VendorOrdersRequestFromWire(r *pb.VendorOrdersRequest) provider.VendorOrdersRequest {
	return provider.VendorOrdersRequest{
		Call: CallFromWire(r.GetCall()), From: timeFromWire(r.GetFrom()), To: timeFromWire(r.GetTo()), State: r.GetState(),
	}
}

// VendorOrderToWire translates an order of the cloud.
func VendorOrderToWire(o provider.VendorOrder) *pb.VendorOrder {
	return &pb.VendorOrder{
		Id: o.ID, State: o.State, Kind: o.Kind, ResourceIds: o.ResourceIDs,
		Amount: string(o.Amount), Currency: o.Currency, Created: timeToWire(o.Created),
	}
}

// VendorOrderFromWire is the reverse of [VendorOrderToWire].
func VendorOrderFromWire(o *pb.VendorOrder) provider.VendorOrder {
	return provider.VendorOrder{
		ID: o.GetId(), State: o.GetState(), Kind: o.GetKind(), ResourceIDs: o.GetResourceIds(),
		Amount: provider.Decimal(o.GetAmount()), Currency: o.GetCurrency(), Created: timeFromWire(o.GetCreated()),
	}
}

// PayRequestToWire translates a payment of a vendor order.
func PayRequestToWire(r provider.VendorOrderChange) *pb.PayVendorOrderRequest {
	return &pb.PayVendorOrderRequest{Call: CallToWire(r.Call), Token: r.Token, Id: r.ID}
}

// CancelRequestToWire translates a cancellation of a vendor order.
func CancelRequestToWire(r provider.VendorOrderChange) *pb.CancelVendorOrderRequest {
	return &pb.CancelVendorOrderRequest{Call: CallToWire(r.Call), Token: r.Token, Id: r.ID}
}

// RefundRequestToWire translates a refund of a vendor order.
func RefundRequestToWire(r provider.VendorOrderChange) *pb.RefundVendorOrderRequest {
	return &pb.RefundVendorOrderRequest{Call: CallToWire(r.Call), Token: r.Token, Id: r.ID}
}

// VendorOrderChangeFromWire is the reverse of [PayRequestToWire],
// [CancelRequestToWire] and [RefundRequestToWire], whose messages look alike.
func VendorOrderChangeFromWire[M interface {
	GetCall() *pb.Call
	GetToken() string
	GetId() string
}](r M) provider.VendorOrderChange {
	return provider.VendorOrderChange{Call: CallFromWire(r.GetCall()), Token: r.GetToken(), ID: r.GetId()}
}

// BillLinesRequestToWire translates a request for bill lines.
func BillLinesRequestToWire(r provider.PeriodRequest) *pb.BillLinesRequest {
	return &pb.BillLinesRequest{Call: CallToWire(r.Call), From: timeToWire(r.From), To: timeToWire(r.To)}
}

// BillLinesRequestFromWire is the reverse of [BillLinesRequestToWire].
func BillLinesRequestFromWire(r *pb.BillLinesRequest) provider.PeriodRequest {
	return provider.PeriodRequest{Call: CallFromWire(r.GetCall()), From: timeFromWire(r.GetFrom()), To: timeFromWire(r.GetTo())}
}

// UsageRequestToWire translates a request for usage.
func UsageRequestToWire(r provider.PeriodRequest) *pb.UsageRequest {
	return &pb.UsageRequest{Call: CallToWire(r.Call), From: timeToWire(r.From), To: timeToWire(r.To)}
}

// UsageRequestFromWire is the reverse of [UsageRequestToWire].
func UsageRequestFromWire(r *pb.UsageRequest) provider.PeriodRequest {
	return provider.PeriodRequest{Call: CallFromWire(r.GetCall()), From: timeFromWire(r.GetFrom()), To: timeFromWire(r.GetTo())}
}

// BillLineToWire translates a line of the cloud's bill.
func BillLineToWire(l provider.BillLine) *pb.BillLine {
	return &pb.BillLine{
		Id: l.ID, BillingAccountId: l.BillingAccountID, SubAccountId: l.SubAccountID,
		ResourceId: l.ResourceID, ResourceType: l.ResourceType, ServiceName: text(l.ServiceName),
		ChargeCategory: l.ChargeCategory, ChargeDescription: text(l.ChargeDescription),
		ChargePeriodStart: timeToWire(l.ChargePeriodStart), ChargePeriodEnd: timeToWire(l.ChargePeriodEnd),
		BillingCurrency: l.BillingCurrency, BilledCost: string(l.BilledCost),
		EffectiveCost: string(l.EffectiveCost), ListCost: string(l.ListCost),
		VendorOrder: l.VendorOrder, RegionId: l.RegionID, Tags: l.Tags,
	}
}

// BillLineFromWire is the reverse of [BillLineToWire].
func BillLineFromWire(l *pb.BillLine) provider.BillLine {
	return provider.BillLine{
		ID: l.GetId(), BillingAccountID: l.GetBillingAccountId(), SubAccountID: l.GetSubAccountId(),
		ResourceID: l.GetResourceId(), ResourceType: l.GetResourceType(), ServiceName: l.GetServiceName(),
		ChargeCategory: l.GetChargeCategory(), ChargeDescription: l.GetChargeDescription(),
		ChargePeriodStart: timeFromWire(l.GetChargePeriodStart()), ChargePeriodEnd: timeFromWire(l.GetChargePeriodEnd()),
		BillingCurrency: l.GetBillingCurrency(), BilledCost: provider.Decimal(l.GetBilledCost()),
		EffectiveCost: provider.Decimal(l.GetEffectiveCost()), ListCost: provider.Decimal(l.GetListCost()),
		VendorOrder: l.GetVendorOrder(), RegionID: l.GetRegionId(), Tags: l.GetTags(),
	}
}

// UsageRecordToWire translates a metered fact.
func UsageRecordToWire(u provider.UsageRecord) *pb.UsageRecord {
	return &pb.UsageRecord{
		Id: u.ID, ResourceId: u.ResourceID, Metric: u.Metric, Unit: u.Unit, Quantity: string(u.Quantity),
		Start: timeToWire(u.Start), End: timeToWire(u.End),
	}
}

// UsageRecordFromWire is the reverse of [UsageRecordToWire].
func UsageRecordFromWire(u *pb.UsageRecord) provider.UsageRecord {
	return provider.UsageRecord{
		ID: u.GetId(), ResourceID: u.GetResourceId(), Metric: u.GetMetric(), Unit: u.GetUnit(),
		Quantity: provider.Decimal(u.GetQuantity()), Start: timeFromWire(u.GetStart()), End: timeFromWire(u.GetEnd()),
	}
}

// BalanceRequestToWire translates a request for the balance.
func BalanceRequestToWire(r provider.BalanceRequest) *pb.BalanceRequest {
	return &pb.BalanceRequest{Call: CallToWire(r.Call)}
}

// BalanceRequestFromWire is the reverse of [BalanceRequestToWire].
func BalanceRequestFromWire(r *pb.BalanceRequest) provider.BalanceRequest {
	return provider.BalanceRequest{Call: CallFromWire(r.GetCall())}
}

// BalanceToWire translates a balance.
func BalanceToWire(b provider.Balance) *pb.BalanceResponse {
	return &pb.BalanceResponse{
		Currency: b.Currency, Available: string(b.Available), Cash: string(b.Cash),
		Credit: string(b.Credit), Frozen: string(b.Frozen),
	}
}

// BalanceFromWire is the reverse of [BalanceToWire].
func BalanceFromWire(b *pb.BalanceResponse) provider.Balance {
	return provider.Balance{
		Currency: b.GetCurrency(), Available: provider.Decimal(b.GetAvailable()), Cash: provider.Decimal(b.GetCash()),
		Credit: provider.Decimal(b.GetCredit()), Frozen: provider.Decimal(b.GetFrozen()),
	}
}
