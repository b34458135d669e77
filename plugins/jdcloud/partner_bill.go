package main

import (
	"context"
	"encoding/json"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"

	"tradewind.example/sdk/provider"
)

// MonthInput names a month of bills.
type MonthInput struct {
	Month string `json:"month" required:"true" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" title:"Month" doc:"Like 2026-06, of the cloud's calendar"`
	ID    string `json:"customer,omitempty" max:"64" title:"The cloud's name of a customer" doc:"Empty is all"`
}

// PartnerBills are what a partner's customers cost in a month.
type PartnerBills struct {
	Customers []CustomerBill `json:"customers" title:"Customers"`
	Products  []ProductBill  `json:"products" title:"Products"`
	Currency  string         `json:"currency" title:"Currency"`
}

// CustomerBill is what one customer costs.
type CustomerBill struct {
	ID        string           `json:"id" title:"The cloud's name of the customer"`
	LoginName string           `json:"login_name,omitempty" title:"Login name"`
	Amount    provider.Decimal `json:"amount" title:"Amount"`
	Paid      provider.Decimal `json:"paid" title:"Paid of it"`
}

// ProductBill is what one product costs one customer.
type ProductBill struct {
	ID      string           `json:"id" title:"The cloud's name of the customer"`
	Service string           `json:"service" title:"Product" doc:"The cloud's word"`
	Amount  provider.Decimal `json:"amount" title:"Amount"`
}

// partnerBillsRequest asks for a month of a partner's bills. The SDK's package
// with this call does not compile.
type partnerBillsRequest struct {
	core.JDCloudRequest

	RegionID string `json:"regionId"`
	Month    string `json:"billDate"`
	Pin      string `json:"pin,omitempty"`
}

// GetRegionId is what the request is signed for; the SDK's interface names it.
func (r partnerBillsRequest) GetRegionId() string { return r.RegionID }

// partnerBillRow is what is used of a bill. The SDK's types have whole numbers
// for money.
type partnerBillRow struct {
	Pin     string      `json:"pin"`
	Login   string      `json:"loginName"`
	Service string      `json:"serviceCode"`
	Bill    json.Number `json:"billFee"`
	Paid    json.Number `json:"actualFee"`
}

// bills tells what the partner's customers cost in a month.
func (h resellers) bills(ctx context.Context, req provider.TypedAction[MonthInput]) (provider.ActionResult[PartnerBills], error) {
	out := provider.ActionResult[PartnerBills]{Output: PartnerBills{Customers: []CustomerBill{}, Products: []ProductBill{}, Currency: currency}}
	c, err := h.opened(req.Call)
	if err != nil {
		return out, err
	}
	answer, err := read[struct {
		Customers []partnerBillRow `json:"pinBills"`
		Products  []partnerBillRow `json:"productBills"`
	}](ctx, c, servicePartner, partnerBillsRequest{
		JDCloudRequest: core.JDCloudRequest{URL: "/regions/{regionId}/describePartnerBills", Method: core.MethodPost, Version: "v1"},
		RegionID:       c.region, Month: req.Input.Month, Pin: req.Input.ID,
	})
	if err != nil {
		return out, err
	}
	for _, row := range answer.Customers {
		one := CustomerBill{ID: row.Pin, LoginName: row.Login}
		if one.Amount, err = amount(row.Bill); err != nil {
			return out, err
		}
		if one.Paid, err = amount(row.Paid); err != nil {
			return out, err
		}
		out.Output.Customers = append(out.Output.Customers, one)
	}
	for _, row := range answer.Products {
		one := ProductBill{ID: row.Pin, Service: row.Service}
		if one.Amount, err = amount(row.Bill); err != nil {
			return out, err
		}
		out.Output.Products = append(out.Output.Products, one)
	}
	return out, nil
}
