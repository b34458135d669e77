package access

// Caller is who asks: a signed-in user, a token of a user, or the system
// itself. Treat it as read-only: the slices are shared between requests.
type Caller struct {
	UserID    string
	OrgID     string
	RootID    string
	Path      []string // root … own org
	Roles     []Role
	Scopes    []Right // of a token: only these of the roles' rights; nil: all of them
	SessionID string
	TokenID   string
	RequestID string
	Trace     string // W3C traceparent of the request; "" when it is not traced
	IP        string
	System    bool // the broker's own work within RootID; has every right there
}

// System returns the caller for the broker's own work within one root.
func System(root string) Caller {
	return Caller{OrgID: root, RootID: root, Path: []string{root}, System: true}
}

// Actor returns the word that the audit log and the ledger keep for the caller.
func (c Caller) Actor() string {
	switch {
	case c.System:
		return "system"
	case c.TokenID != "":
		return "user:" + c.UserID + "/token:" + c.TokenID
	default:
		return "user:" + c.UserID
	}
}
