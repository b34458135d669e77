package tenant

import (
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
)

// UserState says whether a user may sign in.
type UserState string

// The states.
const (
	UserActive   UserState = "active"
	UserDisabled UserState = "disabled"
)

// User is a person in one org. The password is kept elsewhere: a User can be
// shown, listed and audited as it is.
type User struct {
	ID       string
	OrgID    string
	RootID   string
	Login    string // lower case, unique over all orgs
	Name     string
	Email    string
	Phone    string
	Roles    []access.Role
	Assigned []string // direct buyers of the org that a salesperson looks after
	State    UserState
	Created  time.Time
	Updated  time.Time
}

// credential is a user's password, hashed.
type credential struct {
	UserID  string
	Hash    string // argon2id in the PHC text form, parameters included
	Changed time.Time
}

// Session is a signed-in user. Its bearer is returned once and kept as a hash.
type Session struct {
	ID        string
	UserID    string
	OrgID     string
	IP        string // of the sign-in
	UserAgent string
	Created   time.Time
	LastSeen  time.Time // coarse, see Config.TouchEvery
	Expires   time.Time // absolute end, however busy the session is
}

// Token is a user's key for programs. Its bearer is returned once and kept as a hash.
type Token struct {
	ID       string
	UserID   string
	OrgID    string
	Name     string
	Scopes   []access.Right // of the user's rights, only these; never empty
	Created  time.Time
	LastUsed time.Time // coarse, see Config.TouchEvery; zero: never
	Expires  time.Time
}

// sessionRow and tokenRow add what never leaves the package.
type sessionRow struct {
	Session
	Hash []byte
}

type tokenRow struct {
	Token
	Hash []byte
}

// The indexes of users, sessions and tokens.
const (
	usersByLogin = "login" // (login), unique
	usersByOrg   = "org"   // (org, login)
	usersByName  = "name"  // (org, name, id)
	usersByAge   = "age"   // (org, id)
	rowsByHash   = "hash"  // (hash of the bearer), unique
	rowsByUser   = "user"  // (user, id)
)

func newUsers() *store.Collection[User] {
	return store.NewCollection("user", func(u *User) string { return u.ID },
		store.Index[User]{Name: usersByLogin, Unique: true, Keys: func(u *User) [][]byte {
			return [][]byte{store.Key(u.Login)}
		}},
		store.Index[User]{Name: usersByOrg, Keys: func(u *User) [][]byte {
			return [][]byte{store.Key(u.OrgID, u.Login)}
		}},
		store.Index[User]{Name: usersByName, Keys: func(u *User) [][]byte {
			return [][]byte{store.Key(u.OrgID, strings.ToLower(u.Name), u.ID)}
		}},
		store.Index[User]{Name: usersByAge, Keys: func(u *User) [][]byte {
			return [][]byte{store.Key(u.OrgID, u.ID)}
		}},
	)
}

func newCredentials() *store.Collection[credential] {
	return store.NewCollection("credential", func(c *credential) string { return c.UserID })
}

func newSessions() *store.Collection[sessionRow] {
	return store.NewCollection("session", func(s *sessionRow) string { return s.ID },
		store.Index[sessionRow]{Name: rowsByHash, Unique: true, Keys: func(s *sessionRow) [][]byte {
			return [][]byte{store.Key(s.Hash)}
		}},
		store.Index[sessionRow]{Name: rowsByUser, Keys: func(s *sessionRow) [][]byte {
			return [][]byte{store.Key(s.UserID, s.ID)}
		}},
	)
}

func newTokens() *store.Collection[tokenRow] {
	return store.NewCollection("token", func(t *tokenRow) string { return t.ID },
		store.Index[tokenRow]{Name: rowsByHash, Unique: true, Keys: func(t *tokenRow) [][]byte {
			return [][]byte{store.Key(t.Hash)}
		}},
		store.Index[tokenRow]{Name: rowsByUser, Keys: func(t *tokenRow) [][]byte {
			return [][]byte{store.Key(t.UserID, t.ID)}
		}},
	)
}
