package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"
	iamapi "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/apis"
	iam "github.com/jdcloud-api/jdcloud-sdk-go/services/iam/models"
	partner "github.com/jdcloud-api/jdcloud-sdk-go/services/partner/models"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// kindReseller is the account itself as one that others are registered under.
const kindReseller = "reseller"

// ResellerSpec is empty: nobody makes one.
type ResellerSpec struct{}

// ResellerState is who the account is.
type ResellerState struct {
	LoginName string `json:"login_name,omitempty" title:"Login name"`
	AccountID string `json:"account_id,omitempty" title:"Number of the account"`
	Mode      string `json:"mode" enum:"subuser,partner_raw,disabled" title:"How customers get accounts"`
}

// PhoneInput names a phone. It is personal: treated like a secret everywhere.
type PhoneInput struct {
	Mobile secret.Value `json:"mobile" required:"true" min:"5" max:"21" title:"Mobile number"`
}

// PhoneOutput tells of a phone.
type PhoneOutput struct {
	Registered bool `json:"registered" title:"A customer of this account has it"`
}

// CustomerInput registers a customer.
type CustomerInput struct {
	UserID           string       `json:"user_id" required:"true" min:"1" max:"64" title:"Our number of the customer"`
	Name             string       `json:"name" required:"true" min:"4" max:"20" pattern:"^[A-Za-z][A-Za-z0-9_-]*$" title:"Login name"`
	Mobile           secret.Value `json:"mobile" required:"true" min:"5" max:"21" title:"Mobile number"`
	VerificationCode secret.Value `json:"verification_code,omitempty" max:"16" title:"Code that was sent to the phone" doc:"Of accounts in the mode partner_raw"`
}

// CustomerOutput is a customer that is registered.
type CustomerOutput struct {
	ID        string `json:"id" title:"The cloud's name of the customer"`
	AccountID string `json:"account_id,omitempty" title:"Number of the account"`
	LoginName string `json:"login_name" title:"Login name"`
	Created   bool   `json:"created" title:"Was made by this call"`
}

// CustomersOutput are customers of the account.
type CustomersOutput struct {
	Customers []CustomerRow `json:"customers" title:"Customers"`
	Total     int           `json:"total" title:"Number of all"`
}

// CustomerRow is one of them, without the phone.
type CustomerRow struct {
	ID        string `json:"id" title:"The cloud's name of the customer"`
	LoginName string `json:"login_name" title:"Login name"`
	UserID    string `json:"user_id,omitempty" title:"Our number of the customer"`
}

type reseller = provider.Thing[ResellerState]

// resellers is the handler of the kind reseller.
type resellers struct{ *plugin }

func resellerKind(p *plugin) *provider.Kind {
	h := resellers{p}
	return provider.KindOf[ResellerSpec, ResellerState](kindReseller, "Reseller", h,
		provider.ActionOf(provider.ActionDescription{Name: "check_phone", Title: "Is a phone registered"}, h.checkPhone),
		provider.ActionOf(changes("send_code", "Send a verification code"), h.sendCode),
		provider.ActionOf(changes("create_user", "Register a customer"), h.createUser),
		provider.ActionOf(provider.ActionDescription{Name: "customers", Title: "Customers"}, h.customers),
		provider.ActionOf(provider.ActionDescription{Name: "bills", Title: "Bills of a month"}, h.bills),
	).Manage()
}

// Get reads the account.
func (h resellers) Get(ctx context.Context, req provider.GetRequest) (reseller, error) {
	c, err := h.open(req.Call)
	if err != nil {
		return reseller{}, err
	}
	return c.reseller(ctx, req.ID)
}

// List streams the account, which is the only one.
func (h resellers) List(ctx context.Context, req provider.ListRequest, yield func(reseller) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	t, err := c.reseller(ctx, "")
	if err != nil {
		return err
	}
	return yield(t)
}

// reseller is the account; another id than its own does not exist.
func (c *cloud) reseller(ctx context.Context, id string) (reseller, error) {
	who, err := c.identity(ctx)
	if err != nil {
		return reseller{}, err
	}
	if id != "" && id != who.Pin {
		return reseller{}, fault.NotFound(kindReseller, cut(id, 64))
	}
	return reseller{
		ID: who.Pin, Name: firstText(who.LoginName, who.Pin), Region: c.region, Status: provider.StatusRunning,
		State: ResellerState{LoginName: who.LoginName, AccountID: who.AccountId, Mode: c.cfg.AccountMode},
	}, nil
}

// opened opens a call for an action of the account itself.
func (h resellers) opened(call provider.Call) (*cloud, error) {
	c, err := h.open(call)
	if err == nil && c.cfg.AccountMode != modeSubUser && c.cfg.AccountMode != modePartner {
		err = fault.Unsupported("customers' accounts are switched off in this account's settings")
	}
	if err != nil {
		return nil, err
	}
	return c.home(), nil
}

var mobileText = regexp.MustCompile(`^(\+?[0-9]{1,4}-)?\+?[0-9]{5,15}$`)

// mobileOf is a phone as the cloud writes it for sub users: 86-13800000000.
func mobileOf(v secret.Value, mode string) (string, error) {
	text := v.Reveal()
	if !mobileText.MatchString(text) {
		return "", fault.Invalid("input.mobile", "must be a number with 5 to 15 digits, perhaps after the country's and a dash")
	}
	text = strings.ReplaceAll(text, "+", "")
	if _, _, ok := strings.Cut(text, "-"); !ok && mode == modeSubUser {
		text = "86-" + text
	}
	if mode == modePartner {
		text = strings.TrimPrefix(text, "86-")
	}
	return text, nil
}

// partnerRequest is a call of the partner contract. Neither the vendor's SDK
// nor its documents have these; the paths come from the account's settings.
type partnerRequest struct {
	core.JDCloudRequest

	RegionID string `json:"regionId"`
	Mobile   string `json:"mobile,omitempty"`
	Code     string `json:"verificationCode,omitempty"`
	Login    string `json:"loginName,omitempty"`
	UserID   string `json:"outUserId,omitempty"`
}

// GetRegionId is what the request is signed for; the SDK's interface names it.
func (r partnerRequest) GetRegionId() string { return r.RegionID }

func (c *cloud) partner(path string) partnerRequest {
	return partnerRequest{JDCloudRequest: core.JDCloudRequest{URL: path, Method: core.MethodPost, Version: "v1"}, RegionID: c.region}
}

// checkPhone tells whether a customer of the account has the phone.
func (h resellers) checkPhone(ctx context.Context, req provider.TypedAction[PhoneInput]) (provider.ActionResult[PhoneOutput], error) {
	var out provider.ActionResult[PhoneOutput]
	c, err := h.opened(req.Call)
	if err != nil {
		return out, err
	}
	mobile, err := mobileOf(req.Input.Mobile, c.cfg.AccountMode)
	if err != nil {
		return out, err
	}
	c = c.hiding(req.Input.Mobile, secret.New(mobile))
	if c.cfg.AccountMode == modeSubUser {
		user, err := c.userWith(ctx, mobile)
		out.Output.Registered = user != nil
		return out, err
	}
	r := c.partner(c.cfg.PartnerCheck)
	r.Mobile = mobile
	answer, err := read[struct {
		Exists *bool `json:"exists"`
	}](ctx, c, c.cfg.PartnerService, r)
	switch {
	case err != nil:
		return out, err
	case answer.Exists == nil:
		return out, fault.Unavailable("the cloud did not say whether the phone is registered").From(fault.SourceCloud)
	}
	out.Output.Registered = *answer.Exists
	return out, nil
}

// userWith finds the sub user with a phone; nil is none.
func (c *cloud) userWith(ctx context.Context, mobile string) (*iam.SubUser, error) {
	return c.userLike(ctx, func(r *iamapi.DescribeSubUsersRequest) { r.SetPhone(mobile) }, func(u iam.SubUser) bool { return u.Phone == mobile })
}

// sendCode has the cloud send a code to a phone. The cloud sends none for sub
// users: there the broker sends and checks its own.
func (h resellers) sendCode(ctx context.Context, req provider.TypedAction[PhoneInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.opened(req.Call)
	if err != nil {
		return out, err
	}
	if c.cfg.AccountMode == modeSubUser {
		return out, fault.Unsupported("the cloud sends no codes for sub users: send one of your own")
	}
	mobile, err := mobileOf(req.Input.Mobile, c.cfg.AccountMode)
	if err != nil {
		return out, err
	}
	r := c.partner(c.cfg.PartnerSend)
	r.Mobile = mobile
	return out, act(ctx, c.hiding(req.Input.Mobile, secret.New(mobile)), c.cfg.PartnerService, r)
}

// createUser registers a customer; one that is registered with the same name
// and phone is no mistake, so a repeat after a lost answer finds it.
func (h resellers) createUser(ctx context.Context, req provider.TypedAction[CustomerInput]) (provider.ActionResult[CustomerOutput], error) {
	var out provider.ActionResult[CustomerOutput]
	c, err := h.opened(req.Call)
	if err != nil {
		return out, err
	}
	mobile, err := mobileOf(req.Input.Mobile, c.cfg.AccountMode)
	if err != nil {
		return out, err
	}
	c = c.hiding(req.Input.Mobile, secret.New(mobile), req.Input.VerificationCode)
	end, err := h.purchases.Take(ctx, c.key()+"\ncustomer\n"+req.Input.Name)
	if err != nil {
		return out, err
	}
	defer end()
	if c.cfg.AccountMode == modeSubUser {
		out.Output, err = c.registerUser(ctx, req.Input, mobile)
	} else {
		out.Output, err = c.registerCustomer(ctx, req.Input, mobile)
	}
	return out, err
}

// registerUser makes a customer a sub user without keys.
func (c *cloud) registerUser(ctx context.Context, in CustomerInput, mobile string) (CustomerOutput, error) {
	out := CustomerOutput{ID: in.Name, LoginName: in.Name}
	have, err := c.user(ctx, in.Name)
	switch {
	case err != nil:
		return out, fault.NotDone(err)
	case have != nil && have.Phone == mobile:
		return out, c.attachPolicies(ctx, in.Name)
	case have != nil:
		return out, fault.Conflict("another customer has the login name %q", in.Name)
	}
	if _, err := c.createUser(ctx, newUser{name: in.Name, nick: in.UserID, mark: userMark + tokenHash(in.UserID), phone: mobile}); err != nil {
		return out, err
	}
	out.Created = true
	return out, uncertain(c.attachPolicies(ctx, in.Name))
}

// registerCustomer makes a customer an account below this one.
func (c *cloud) registerCustomer(ctx context.Context, in CustomerInput, mobile string) (CustomerOutput, error) {
	have, err := c.customer(ctx, in.Name)
	switch {
	case err != nil:
		return CustomerOutput{}, fault.NotDone(err)
	case have != nil && strings.TrimPrefix(have.Tel, "86-") == mobile:
		return CustomerOutput{ID: have.Pin, LoginName: have.LoginName}, nil
	case have != nil:
		return CustomerOutput{}, fault.Conflict("another customer has the login name %q", in.Name)
	case in.VerificationCode.IsZero():
		return CustomerOutput{}, fault.Invalid("input.verification_code", "is required: send a code to the phone first")
	}
	r := c.partner(c.cfg.PartnerCreate)
	r.Mobile, r.Code, r.Login, r.UserID = mobile, in.VerificationCode.Reveal(), in.Name, in.UserID
	answer, err := write[struct {
		Pin       string          `json:"pin"`
		AccountID json.RawMessage `json:"accountId"`
		Login     string          `json:"loginName"`
	}](ctx, c, c.cfg.PartnerService, r)
	if err != nil {
		return CustomerOutput{}, err
	}
	id, err := one([]string{answer.Pin}, nil)
	return CustomerOutput{
		ID: id, AccountID: strings.Trim(string(answer.AccountID), `"`), LoginName: firstText(answer.Login, in.Name), Created: true,
	}, err
}

// customersRequest asks for the customers of the account. The SDK's package
// with these calls does not compile, so only its models are used.
type customersRequest struct {
	core.JDCloudRequest

	RegionID string `json:"regionId"`
	Login    string `json:"loginName,omitempty"`
	Page     int    `json:"pageIndex"`
	Size     int    `json:"pageSize"`
}

// GetRegionId is what the request is signed for; the SDK's interface names it.
func (r customersRequest) GetRegionId() string { return r.RegionID }

type customerList struct {
	Pagination partner.Pagination `json:"pagination"`
	Rows       []customerRow      `json:"result"`
}

// customerRow is what is used of a customer; numbers of the SDK's model that
// nobody needs cannot break the answer.
type customerRow struct {
	Pin       string `json:"pin"`
	LoginName string `json:"loginName"`
	AliasName string `json:"aliasName"`
	Tel       string `json:"tel"`
}

const (
	// customerPage is how many customers are asked for at once, mostCustomers
	// how many one action shows.
	customerPage  = 100
	mostCustomers = 1000
)

func (c *cloud) customerRows(ctx context.Context, login string, yield func(customerRow) error) error {
	fetch := func(ctx context.Context, number, size int) ([]customerRow, int, error) {
		r := customersRequest{
			JDCloudRequest: core.JDCloudRequest{URL: "/regions/{regionId}/customerManage:queryMyCustomerList", Method: core.MethodPost, Version: "v1"},
			RegionID:       c.region, Login: login, Page: number, Size: size,
		}
		answer, err := read[customerList](ctx, c, servicePartner, r)
		return answer.Rows, answer.Pagination.NumberRecords, err
	}
	return pages(ctx, customerPage, fetch, func(r customerRow) string { return r.Pin }, yield)
}

// customer finds a customer by login name; nil is none.
func (c *cloud) customer(ctx context.Context, login string) (*customerRow, error) {
	var out *customerRow
	err := c.customerRows(ctx, login, func(r customerRow) error {
		if r.LoginName == login {
			out = &r
		}
		return nil
	})
	return out, err
}

// customers are the accounts below this one, or its sub users.
func (h resellers) customers(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[CustomersOutput], error) {
	out := provider.ActionResult[CustomersOutput]{Output: CustomersOutput{Customers: []CustomerRow{}}}
	c, err := h.opened(req.Call)
	if err != nil {
		return out, err
	}
	add := func(row CustomerRow) {
		if out.Output.Total++; len(out.Output.Customers) < mostCustomers {
			out.Output.Customers = append(out.Output.Customers, row)
		}
	}
	if c.cfg.AccountMode == modePartner {
		err = c.customerRows(ctx, "", func(r customerRow) error {
			add(CustomerRow{ID: r.Pin, LoginName: r.LoginName, UserID: r.AliasName})
			return nil
		})
		return out, err
	}
	_, err = c.userLike(ctx, func(*iamapi.DescribeSubUsersRequest) {}, func(u iam.SubUser) bool {
		add(CustomerRow{ID: u.Name, LoginName: u.Name, UserID: u.NickName})
		return false
	})
	return out, err
}
