// Package guard stands between the host's callers and a plugin's connection:
// each call passes a chain of stages that give it a deadline, a slot and leave
// of its circuit breaker, and goes to the session that serves at that moment.
// It is not a retry layer: what failed is reported, never repeated.
//
// # The chain
//
// The stages of a [Conn] are in one fixed order: trace, log, metrics, tally,
// deadline, bulkhead, breaker, session. The first four see every call, also those
// that a later stage refuses. The breaker comes after the bulkhead, so that its word
// is fresh when the call is sent; a call that would have to queue asks it
// before, so that nobody waits for an account that is shut off.
//
// # Errors
//
// Faults made here say source host and outcome not done: nothing was sent.
// Throttled means that the caller's org asks for more than its part, and
// unavailable that the plugin or the account cannot serve whoever asks; both
// say when to come back.
//
// # Concurrency
//
// Everything is safe for concurrent use. Nothing here starts a goroutine that
// outlives a call. A plugin's bulkhead and breakers are its own: no call to one
// plugin takes a lock or a slot of another.
package guard
