// Package tenant keeps the organisations and their people: the org tree, users,
// passwords, sessions and API tokens, and turns a bearer into an access.Caller.
//
// It decides who somebody is and where an org stands. What a caller may do is
// package access; each use-case here asks it first. Money, orders and whatever
// else an org owns are other packages': they register a [Holder], so that an
// org that still has something cannot be deleted.
//
// An org that is deleted keeps its place in the tree (its old orders and bills
// stay readable for its sellers) but answers every read as if it never existed.
//
// A [Service] is safe for concurrent use. [Service.Authenticate] answers from
// memory; every committed change of a user, a session, a token or an org makes
// all remembered answers stale at once, and a short life bounds what a change
// made by another process can leave behind.
package tenant
