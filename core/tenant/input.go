package tenant

import (
	"slices"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/money"
	"tradewind.example/core/store"
	"tradewind.example/sdk/secret"
)

// CreateOrgInput makes an org below ParentID; for a provider, ParentID names
// the root that it belongs to.
type CreateOrgInput struct {
	ParentID string
	Kind     Kind
	Profile
}

// UpdateOrgInput replaces an org's profile. State, time zone, currency and floor
// policy, which are never empty, stay as they are where they are left out.
type UpdateOrgInput struct {
	OrgID string
	Rev   uint64 // the revision that was read; 0: any
	State OrgState
	Profile
}

// ListOrgsInput asks for the orgs that the caller reaches, by name.
type ListOrgsInput struct {
	Below    string // only this org and what is below it; empty: all in reach
	ParentID string // only direct children of this org
	Kind     Kind
	State    OrgState
	Text     string // what the name begins with, in any case
	Sort     string // [SortName], which "" is, or [SortCreated]
	Cursor   string
	Limit    int
	Reverse  bool // the last first
}

func (in ListOrgsInput) admits(o *Org) bool {
	return (in.Kind == "" || o.Kind == in.Kind) && (in.State == "" || o.State == in.State) && begins(o.Name, in.Text)
}

// MoveOrgInput puts an org, and all below it, under another parent.
type MoveOrgInput struct {
	OrgID    string
	ParentID string
	DryRun   bool // say what would change, change nothing
}

// Move says what a move changes, or would change.
type Move struct {
	Org      string
	From, To []string    // the org's path before and after
	Orgs     []string    // the org and those below it whose path changes; at most MaxMoveListed
	Count    int         // how many orgs change their path
	Unassign []UserRef   // salespeople who no longer look after the org
	Remains  []HeldThing // what stays with the old chain: open orders, balances
	Done     bool
}

// MaxMoveListed bounds the ids that a [Move] names.
const MaxMoveListed = 200

// UserRef names a user.
type UserRef struct{ ID, Login string }

// HeldThing is something that an org has.
type HeldThing struct {
	Holder string // "orders", "wallets"
	What   string // for the user: "3 active resources"
}

// CreateUserInput makes a user in OrgID.
type CreateUserInput struct {
	OrgID    string
	Login    string
	Name     string
	Email    string
	Phone    string
	Roles    []access.Role
	Assigned []string
	Password secret.Value
}

// UpdateUserInput replaces what may change of a user.
type UpdateUserInput struct {
	UserID   string
	Rev      uint64 // the revision that was read; 0: any
	Name     string
	Email    string
	Phone    string
	Roles    []access.Role
	Assigned []string
	State    UserState
}

// What orgs and users can be sorted by.
const (
	SortName    = "name" // in any case
	SortCreated = "created"
	SortLogin   = "login" // users
)

// ListUsersInput asks for the users of one org.
type ListUsersInput struct {
	OrgID   string // empty: the caller's own
	Role    access.Role
	State   UserState
	Text    string // what the login or the name begins with, in any case
	Sort    string // [SortLogin], which "" is, [SortName] or [SortCreated]
	Cursor  string
	Limit   int
	Reverse bool // the last first
}

func (in ListUsersInput) admits(u *User) bool {
	return (in.Role == "" || slices.Contains(u.Roles, in.Role)) && (in.State == "" || u.State == in.State) &&
		(begins(u.Login, in.Text) || begins(u.Name, in.Text))
}

// begins reports whether a text begins with another, in any case.
func begins(text, with string) bool {
	return strings.HasPrefix(strings.ToLower(text), strings.ToLower(with))
}

// ChangePasswordInput changes the caller's own password.
type ChangePasswordInput struct {
	Old, New secret.Value
	Rev      uint64 // of the user, as it was read; 0: any
}

// ResetPasswordInput sets another user's password and ends all its sessions and tokens.
type ResetPasswordInput struct {
	UserID   string
	Password secret.Value
	Rev      uint64 // of the user, as it was read; 0: any
}

// SignInInput is a login with its password, and where it came from.
type SignInInput struct {
	Login     string
	Password  secret.Value
	IP        string
	UserAgent string
}

// SignedIn is a fresh session; the bearer is shown this once.
type SignedIn struct {
	Bearer  secret.Value
	Session Session
	User    User
	Org     Org
}

// CreateTokenInput makes an API token for the caller.
type CreateTokenInput struct {
	Name    string
	Scopes  []access.Right
	Expires time.Time
}

// CreatedToken is a fresh token; the bearer is shown this once.
type CreatedToken struct {
	Bearer secret.Value
	Token  Token
}

// ListKeysInput asks for the sessions or tokens of one user, by age.
type ListKeysInput struct {
	UserID string // empty: the caller
	Cursor string
	Limit  int

	OldestFirst bool
}

// RootInput makes a root: an operator org and its first superadmin.
type RootInput struct {
	OperatorName string
	Login        string         // empty: "admin"
	TimeZone     string         // empty: "Asia/Shanghai"
	Currency     money.Currency // empty: CNY
}

// Root is a fresh root; the password is shown this once.
type Root struct {
	Created  bool // false: there was a root already, and the rest is empty
	Org      Org
	User     User
	Password secret.Value
}

// Holder is asked what an org has before it is deleted or moved.
type Holder interface {
	// Holds says what an org still has, each in words for the user
	// ("3 active resources"); nothing when it has nothing.
	Holds(r store.Reader, org string) ([]string, error)
}
