// Package catalog keeps the products on sale: what each provider's plugin
// offers, since when, at which list price.
//
// Products are brought in by [Service.Sync], which repeats without effect, or
// written by the operator. A list price that rises so far that somebody's
// floor would break is not applied but kept as pending until it is accepted.
//
// It is not the price engine: what a buyer pays is told by package quote.
//
// A [Service] is safe for concurrent use. Product values given out are shared
// with its cache; treat them as read-only.
package catalog
