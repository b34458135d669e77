// Package id makes and checks the identifiers of everything that is stored.
//
// Identifiers are UUIDv7 texts: they sort by the time they were made, so that
// new rows land at the end of a store's files. They are unique, not secret:
// never use one as a password or a bearer token. All functions are safe for
// concurrent use; identifiers made by one process strictly increase.
package id

import "github.com/google/uuid"

// Len is the length of an identifier in bytes.
const Len = 36

// New returns a fresh identifier, greater than every one this process made before.
func New() string {
	// The error is that of crypto/rand, which never returns one.
	u, _ := uuid.NewV7()
	return u.String()
}

// Valid reports whether s is an identifier in the one spelling that New uses:
// 36 bytes, lower case, version 7.
func Valid(s string) bool {
	if len(s) != Len || s[14] != '7' {
		return false
	}
	for i := range len(s) {
		if !validAt(i, s[i]) {
			return false
		}
	}
	return true
}

func validAt(i int, c byte) bool {
	if i == 8 || i == 13 || i == 18 || i == 23 {
		return c == '-'
	}
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
}
