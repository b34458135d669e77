// Package provider keeps which clouds this broker sells and who may use them
// with which credentials: providers, grants and enablements.
//
// A provider is an installed plugin with its commercial org. The operator
// grants it to orgs below, each of which may grant it further down; the org's
// admin enables it, with credentials of its own or with those of the org that
// granted it. [Service.CallFor] answers, for a buyer, whose account at the
// cloud is used.
//
// It is not the plugin host: it starts no process and calls a cloud only to
// check credentials. Credentials leave it in one way, inside the
// [contract.Call] of an [Access]; no other type given out has a field for them.
//
// A [Service] is safe for concurrent use. Its caches are keyed by a generation
// that is stored beside the rows, so a reader never mixes a cached answer with
// a snapshot of another age.
package provider
