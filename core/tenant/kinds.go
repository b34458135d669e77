package tenant

import (
	"fmt"
	"slices"

	"tradewind.example/core/access"
)

// parents says under which kinds a kind may stand. Providers belong to a root
// and stand outside its sale tree; operators stand under nobody.
func (k Kind) parents() []Kind {
	switch k {
	case KindReseller, KindCustomer:
		return []Kind{KindOperator, KindReseller}
	case KindProvider:
		return []Kind{KindOperator}
	default:
		return nil
	}
}

// roles says which roles the users of a kind may hold.
func (k Kind) roles() []access.Role {
	switch k {
	case KindOperator:
		return []access.Role{access.RoleSuperadmin, access.RoleOperations, access.RoleSales,
			access.RoleFinance, access.RoleOps, access.RoleAuditor}
	case KindReseller:
		return []access.Role{access.RoleResellerAdmin, access.RoleResellerSales, access.RoleFinance, access.RoleAuditor}
	case KindCustomer:
		return []access.Role{access.RoleCustomerAdmin, access.RoleCustomerUser, access.RoleAuditor}
	case KindProvider:
		return []access.Role{access.RoleProviderViewer}
	default:
		return nil
	}
}

func (c *checks) rolesOfKind(path string, roles []access.Role, k Kind) {
	for i, r := range roles {
		if !slices.Contains(k.roles(), r) {
			c.add(fmt.Sprintf("%s[%d]", path, i), "users of a %s cannot be %q", k, r)
		}
	}
}
