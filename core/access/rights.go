package access

import "strings"

// Right is a verb on a kind of thing, "order.create". Every kind of thing has
// a read right; see [Right.Reading].
type Right string

// The rights.
const (
	OrgCreate Right = "org.create" // target: the parent
	OrgRead   Right = "org.read"
	OrgUpdate Right = "org.update"
	OrgMove   Right = "org.move"
	OrgDelete Right = "org.delete"

	UserCreate Right = "user.create"
	UserRead   Right = "user.read"
	UserUpdate Right = "user.update" // password reset included
	UserDelete Right = "user.delete"

	SessionRead   Right = "session.read"
	SessionDelete Right = "session.delete" // end other people's sessions
	TokenCreate   Right = "token.create"
	TokenRead     Right = "token.read"
	TokenDelete   Right = "token.delete" // revoke other people's tokens

	PluginRead      Right = "plugin.read"
	PluginWrite     Right = "plugin.write"
	ProviderRead    Right = "provider.read"
	ProviderWrite   Right = "provider.write"
	GrantRead       Right = "grant.read"
	GrantWrite      Right = "grant.write" // target: the granting org
	EnablementRead  Right = "enablement.read"
	EnablementWrite Right = "enablement.write"

	// The account of an enablement at its cloud; target: the enablement's org.
	AccountRead   Right = "account.read"    // balance, bill lines, the cloud's own orders
	AccountImport Right = "account.import"  // of bill lines and orders
	AccountChange Right = "account.change"  // pay, cancel and refund the cloud's orders; make sub-accounts
	AccountSignIn Right = "account.sign_in" // into the cloud's console

	ProductRead  Right = "product.read"
	ProductWrite Right = "product.write"
	ProductSync  Right = "product.sync"

	ProtocolRead  Right = "protocol.read"
	ProtocolWrite Right = "protocol.write" // target: the seller
	LineRead      Right = "line.read"
	LineWrite     Right = "line.write" // target: the seller
	DiscountRead  Right = "discount.read"
	DiscountWrite Right = "discount.write" // target: the seller

	QuoteCreate Right = "quote.create"
	QuoteRead   Right = "quote.read"

	OrderCreate  Right = "order.create"
	OrderRead    Right = "order.read"
	OrderRenew   Right = "order.renew"
	OrderRelease Right = "order.release"
	OrderResize  Right = "order.resize"
	OrderAttend  Right = "order.attend" // decide an order that needs attention

	ResourceRead   Right = "resource.read"
	ResourceAction Right = "resource.action"

	WalletRead     Right = "wallet.read"
	WalletRecharge Right = "wallet.recharge" // target: the seller that takes the money
	WalletCredit   Right = "wallet.credit"   // target: the seller that lends

	BillRead   Right = "bill.read"
	LedgerRead Right = "ledger.read"

	StatementRead   Right = "statement.read"
	StatementAgree  Right = "statement.agree"
	StatementRefuse Right = "statement.refuse"
	StatementRun    Right = "statement.run" // target: the seller
	StatementExport Right = "statement.export"

	JobRead  Right = "job.read"
	JobRetry Right = "job.retry"

	AuditRead Right = "audit.read"

	SystemRead    Right = "system.read"
	SystemMetrics Right = "system.metrics"
	SystemBackup  Right = "system.backup" // a copy of the whole store
)

// Reading returns the right to read the kind of thing that r is about.
func (r Right) Reading() Right {
	thing, _, _ := strings.Cut(string(r), ".")
	return Right(thing + ".read")
}

// OfBroker reports whether the right is over the whole broker and thereby over
// every root in its store.
func (r Right) OfBroker() bool {
	switch r {
	case PluginRead, PluginWrite, SystemBackup, SystemMetrics:
		return true
	}
	return false
}

// Extent says over which orgs a role has a right. Extents add up.
type Extent uint8

// The extents.
const (
	Own       Extent = 1 << iota // the caller's own org
	Customers                    // the direct buyers assigned to the caller
	Subtree                      // the caller's own org and all below it
	All                          // every org of the root; only for users of the root's operator
)

// String names the extents, joined by a plus; "-" for none.
func (e Extent) String() string {
	var words []string
	for i, w := range [...]string{"own", "customers", "subtree", "all"} {
		if e&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, "+")
}

// Row is one line of the rights table; the columns are in the order of [Roles].
type Row struct {
	Right   Right
	Extents [roleCount]Extent
}

// Table returns the rights table: the only place that says who may do what.
//
// Money between two orgs (protocols, lines, discounts, quotes, wallets, bills,
// ledger, statements) is private to the two, and what a cloud tells of an
// account to the account's org, so nobody has more than "own" there: being
// above an org in the tree does not open its books. Use-cases
// check both sides with [Authority.CheckAny].
func Table() []Row {
	const (
		no  Extent = 0
		own        = Own
		cus        = Customers
		oc         = Own | Customers
		sub        = Subtree
		all        = All
		als        = All | Subtree
		alo        = All | Own
	)
	return []Row{
		//                  superadmin operations sales finance ops auditor r_admin r_sales c_admin c_user p_viewer
		{OrgCreate, [...]Extent{sub, sub, no, no, no, no, sub, no, no, no, no}},
		{OrgRead, [...]Extent{all, sub, oc, sub, sub, als, sub, oc, own, own, own}},
		{OrgUpdate, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{OrgMove, [...]Extent{all, no, no, no, no, no, sub, no, no, no, no}},
		{OrgDelete, [...]Extent{all, no, no, no, no, no, sub, no, no, no, no}},
		{UserCreate, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{UserRead, [...]Extent{all, sub, no, no, no, als, sub, no, own, no, no}},
		{UserUpdate, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{UserDelete, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{SessionRead, [...]Extent{all, sub, no, no, no, als, sub, no, own, no, no}},
		{SessionDelete, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{TokenCreate, [...]Extent{own, own, own, own, own, own, own, own, own, own, own}},
		{TokenRead, [...]Extent{all, sub, no, no, no, als, sub, no, own, no, no}},
		{TokenDelete, [...]Extent{all, sub, no, no, no, no, sub, no, own, no, no}},
		{PluginRead, [...]Extent{all, all, no, no, all, all, no, no, no, no, no}},
		{PluginWrite, [...]Extent{all, no, no, no, all, no, no, no, no, no, no}},
		{ProviderRead, [...]Extent{all, all, own, own, all, alo, own, own, own, own, own}},
		{ProviderWrite, [...]Extent{all, all, no, no, no, no, no, no, no, no, no}},
		{GrantRead, [...]Extent{all, sub, oc, no, sub, als, sub, oc, own, no, no}},
		{GrantWrite, [...]Extent{own, own, no, no, no, no, own, no, no, no, no}},
		{EnablementRead, [...]Extent{all, sub, oc, no, sub, als, sub, oc, own, own, no}},
		{EnablementWrite, [...]Extent{own, own, no, no, own, no, own, no, own, no, no}},
		{AccountRead, [...]Extent{own, own, no, own, own, own, own, no, own, no, no}},
		{AccountImport, [...]Extent{own, own, no, own, own, no, own, no, own, no, no}},
		{AccountChange, [...]Extent{own, own, no, no, no, no, own, no, own, no, no}},
		{AccountSignIn, [...]Extent{own, own, no, no, own, no, own, no, own, no, no}},
		{ProductRead, [...]Extent{all, sub, oc, own, sub, als, sub, oc, own, own, own}},
		{ProductWrite, [...]Extent{own, own, no, no, no, no, own, no, no, no, no}},
		{ProductSync, [...]Extent{own, own, no, no, own, no, own, no, no, no, no}},
		{ProtocolRead, [...]Extent{own, own, cus, own, no, own, own, cus, own, no, own}},
		{ProtocolWrite, [...]Extent{own, own, no, no, no, no, own, no, no, no, no}},
		{LineRead, [...]Extent{own, own, cus, own, no, own, own, cus, own, no, own}},
		{LineWrite, [...]Extent{own, own, no, no, no, no, own, no, no, no, no}},
		{DiscountRead, [...]Extent{own, own, own, own, no, own, own, own, no, no, no}},
		{DiscountWrite, [...]Extent{own, own, no, no, no, no, own, no, no, no, no}},
		{QuoteCreate, [...]Extent{sub, sub, oc, no, no, no, sub, oc, own, own, no}},
		{QuoteRead, [...]Extent{sub, sub, oc, no, no, sub, sub, oc, own, own, no}},
		{OrderCreate, [...]Extent{sub, sub, cus, no, no, no, sub, cus, own, own, no}},
		{OrderRead, [...]Extent{sub, sub, cus, sub, sub, sub, sub, cus, own, own, own}},
		{OrderRenew, [...]Extent{sub, sub, cus, no, no, no, sub, cus, own, own, no}},
		{OrderRelease, [...]Extent{sub, sub, no, no, no, no, sub, no, own, no, no}},
		{OrderResize, [...]Extent{sub, sub, cus, no, no, no, sub, cus, own, own, no}},
		{OrderAttend, [...]Extent{sub, sub, no, no, sub, no, no, no, no, no, no}},
		{ResourceRead, [...]Extent{sub, sub, cus, sub, sub, sub, sub, cus, own, own, no}},
		{ResourceAction, [...]Extent{sub, sub, no, no, sub, no, sub, no, own, own, no}},
		{WalletRead, [...]Extent{own, own, cus, own, no, own, own, cus, own, own, no}},
		{WalletRecharge, [...]Extent{own, no, no, own, no, no, own, no, no, no, no}},
		{WalletCredit, [...]Extent{own, no, no, own, no, no, own, no, no, no, no}},
		{BillRead, [...]Extent{own, own, cus, own, no, own, own, cus, own, no, own}},
		{LedgerRead, [...]Extent{own, no, no, own, no, own, own, no, own, no, own}},
		{StatementRead, [...]Extent{own, own, cus, own, no, own, own, cus, own, no, own}},
		{StatementAgree, [...]Extent{own, no, no, own, no, no, own, no, own, no, no}},
		{StatementRefuse, [...]Extent{own, no, no, own, no, no, own, no, own, no, no}},
		{StatementRun, [...]Extent{own, no, no, own, no, no, own, no, no, no, no}},
		{StatementExport, [...]Extent{own, own, no, own, no, own, own, no, own, no, own}},
		{JobRead, [...]Extent{all, sub, no, no, all, all, no, no, no, no, no}},
		{JobRetry, [...]Extent{all, no, no, no, all, no, no, no, no, no, no}},
		{AuditRead, [...]Extent{all, no, no, no, no, alo, own, no, own, no, no}},
		{SystemRead, [...]Extent{all, no, no, no, all, all, no, no, no, no, no}},
		{SystemBackup, [...]Extent{all, no, no, no, no, no, no, no, no, no, no}},
		{SystemMetrics, [...]Extent{all, no, no, no, all, no, no, no, no, no, no}},
	}
}
