package guard

import "time"

// Rule is how calls of one method are bounded.
type Rule struct {
	// Deadline is what a call without a deadline of its own gets; 0 only for
	// the link, which ends with its session.
	Deadline time.Duration
	// Standing streams stay open for long and take no slot of the bulkhead.
	Standing bool
}

// unlisted bounds a method that a newer SDK has and this table has not.
const unlisted = 30 * time.Second

// Rules returns the table of all methods, by full gRPC name. The deadlines are
// a safety net for a forgotten one: callers that know better set their own.
func Rules() map[string]Rule {
	const service = "/tradewind.provider.v1."
	return map[string]Rule{
		service + "PluginService/Describe": {Deadline: 10 * time.Second},
		service + "PluginService/Check":    {Deadline: 30 * time.Second},
		service + "PluginService/Health":   {Deadline: 5 * time.Second},
		service + "PluginService/Shutdown": {Deadline: 10 * time.Second},

		service + "RegionsService/Regions":     {Deadline: 30 * time.Second},
		service + "OfferingsService/Offerings": {Deadline: 5 * time.Minute},
		service + "QuotesService/Quote":        {Deadline: 30 * time.Second},
		service + "PlacementsService/Place":    {Deadline: 30 * time.Second},

		service + "ResourcesService/Create":      {Deadline: 2 * time.Minute},
		service + "ResourcesService/Get":         {Deadline: 30 * time.Second},
		service + "ResourcesService/List":        {Deadline: 5 * time.Minute},
		service + "ResourcesService/Update":      {Deadline: 2 * time.Minute},
		service + "ResourcesService/Delete":      {Deadline: 2 * time.Minute},
		service + "ResourcesService/FindByToken": {Deadline: time.Minute},
		service + "ResourcesService/Act":         {Deadline: 2 * time.Minute},
		service + "ResourcesService/Renew":       {Deadline: 2 * time.Minute},
		service + "OperationsService/Operation":  {Deadline: 30 * time.Second},

		service + "AccountsService/EnsureAccount":         {Deadline: time.Minute},
		service + "AccountsService/SignInLink":            {Deadline: 30 * time.Second},
		service + "VendorOrdersService/VendorOrders":      {Deadline: 5 * time.Minute},
		service + "VendorOrdersService/PayVendorOrder":    {Deadline: time.Minute},
		service + "VendorOrdersService/CancelVendorOrder": {Deadline: time.Minute},
		service + "VendorOrdersService/RefundVendorOrder": {Deadline: time.Minute},

		service + "BillingService/BillLines": {Deadline: 30 * time.Minute},
		service + "BillingService/Usage":     {Deadline: 30 * time.Minute},
		service + "BillingService/Balance":   {Deadline: 30 * time.Second},
		service + "ImportsService/Import":    {Deadline: 10 * time.Minute},
		service + "EventsService/Events":     {Deadline: 24 * time.Hour, Standing: true},
		service + "HostLinkService/Link":     {Standing: true},
	}
}
