package access

import "slices"

// Role is a bundle of rights that a user holds in its own org.
type Role string

// The roles. Which kinds of org may hold which role is a rule of package tenant.
const (
	RoleSuperadmin     Role = "superadmin"
	RoleOperations     Role = "operations"
	RoleSales          Role = "sales"
	RoleFinance        Role = "finance"
	RoleOps            Role = "ops"
	RoleAuditor        Role = "auditor"
	RoleResellerAdmin  Role = "reseller_admin"
	RoleResellerSales  Role = "reseller_sales"
	RoleCustomerAdmin  Role = "customer_admin"
	RoleCustomerUser   Role = "customer_user"
	RoleProviderViewer Role = "provider_viewer"
)

const roleCount = 11

// Roles lists every role in the order of the columns of the rights table.
func Roles() [roleCount]Role {
	return [roleCount]Role{
		RoleSuperadmin, RoleOperations, RoleSales, RoleFinance, RoleOps, RoleAuditor,
		RoleResellerAdmin, RoleResellerSales, RoleCustomerAdmin, RoleCustomerUser, RoleProviderViewer,
	}
}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	all := Roles()
	return slices.Contains(all[:], r)
}

// rank orders roles by what they may hand to others.
func (r Role) rank() int {
	switch r {
	case RoleSuperadmin:
		return 60
	case RoleOperations:
		return 50
	case RoleResellerAdmin:
		return 40
	case RoleSales, RoleFinance, RoleOps:
		return 30
	case RoleResellerSales:
		return 25
	case RoleCustomerAdmin:
		return 20
	case RoleAuditor, RoleProviderViewer:
		return 15
	case RoleCustomerUser:
		return 10
	}
	return 100 // an unknown role is outranked by nobody
}

// administers reports whether holders of r may make more holders of r.
func (r Role) administers() bool {
	return r == RoleSuperadmin || r == RoleResellerAdmin || r == RoleCustomerAdmin
}

// MayGrant reports whether a holder of the roles held may give, take or manage
// the role wanted: one of them outranks it, or is the same administrator role.
func MayGrant(held []Role, wanted Role) bool {
	return slices.ContainsFunc(held, func(h Role) bool {
		if !h.Valid() {
			return false
		}
		return h.rank() > wanted.rank() || (h == wanted && h.administers())
	})
}
