// Package quote answers what a buyer would pay now, and keeps the answer with
// its trace until it expires.
//
// [Service.PriceTx] is the one place where a chain, its terms and the floor
// guard come together; quotes, orders and renewals all price through it.
// [Service.Create] adds the list amount, asked from the plugin where it quotes.
//
// Quotes are written behind: they are served from memory at once and flushed
// to the store in groups. A crash may lose quotes of the last moments, which
// costs nobody money; whoever holds a lost quote is told that it does not exist.
//
// It is not the price arithmetic (package pricing) and holds no money.
//
// A [Service] is safe for concurrent use and must be closed.
package quote
