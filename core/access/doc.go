// Package access decides who may do what to whose things: callers, roles, the
// one table of rights, and the check that every use-case goes through.
//
// It is not authentication (package tenant proves who the caller is) and it
// stores nothing. Every thing belongs to an org; a caller reaches a thing when
// one of its roles gives the right over that org. What lies outside the reach
// of reading does not exist for the caller: the answer is the very not_found
// that a missing id gets.
//
// The orgs form trees. The path of an org runs from its root to itself; a
// provider's commercial org stands outside the sale tree and has the path
// [root, itself]. Nothing reaches across a root, and nobody reads an ancestor.
//
// An Authority is immutable and safe for concurrent use.
package access
