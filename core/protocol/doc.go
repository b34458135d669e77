// Package protocol keeps the sale terms between a seller and its direct buyer:
// protocols, their price lines, and a seller's unified discounts.
//
// It answers one question fast, inside other packages' transactions: which
// terms apply to this product at this instant, [Service.TermsTx]. It computes
// no prices (package pricing does) and moves no money.
//
// # The timeline
//
// Prices are append-only. A line has a window, half-open: from <= t < to.
// Adding a line closes the open line of the same protocol and product at its
// from; nothing before now ever changes. For each pair, and each product, class
// or default, all windows over all sale modes are disjoint, so at any instant
// at most one line applies. A save that would break this is a conflict that
// names the other line.
//
// Beside the documents the package keeps a compact row for each window, ordered
// by (pair, slot, from), cut to the window of the protocol. The slot is a
// product, a class, the pair's default, or a product's unified discount.
//
// A [Service] is safe for concurrent use.
package protocol
