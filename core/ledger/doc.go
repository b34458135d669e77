// Package ledger keeps every organisation's double-entry book, and the wallets
// that buyers hold with their sellers.
//
// It is not a bank and not a price list: it moves the amounts it is told to
// move, refuses what does not balance or is not covered, and never forgets.
//
// # Basics
//
// A [Transaction] is a list of postings, debit positive, credit negative. Its
// postings sum to zero for every book and currency, and what it does to a
// buyer's wallet it does to the seller's deposit. Transactions are immutable;
// a correction is a new transaction that refers to the old one. Every
// transaction has a key: writing the same again changes nothing and returns
// the stored one.
//
// A wallet is the buyer's account of kind wallet with a seller. A [Hold] sets
// money of several wallets aside, all or none; capturing it posts a
// transaction and frees the rest, releasing it frees everything.
//
// # Time
//
// The times of an account's entries never go back: a transaction takes the
// latest time of all accounts it touches when the clock is behind. So a balance
// at a past instant never changes afterwards, and every book sums to zero at
// every instant.
//
// # Caveats
//
// Functions whose names end in Tx run inside the caller's store transaction and
// check no rights. A transaction spans the books of a whole sale chain: only
// the use-cases, which cut it to one book, may show it to anybody.
//
// The [Ledger] is safe for concurrent use; consistency comes from the store's
// strictly serializable transactions.
package ledger
