// Package host runs provider plugins as separate processes and is the only door
// to them: what calls a cloud asks a [Host] for a [Plugin] and calls its methods.
//
// # Basics
//
// [Open] reads the catalogue and starts every enabled plugin, in parallel and
// without waiting. A [Plugin] outlives its process: while the process is started
// again, calls wait a bounded time or fail with an unavailable fault whose
// outcome is not done. Each call has a deadline and a slot. [Host.Install] copies
// a binary into the catalogue and pins its hash. [Host.Close] ends everything.
//
// Several versions of a plugin may serve at once: a call goes to the version that
// its org is pinned to, or else to the active one, and perhaps to a process for
// that org alone. [Host.Upgrade] replaces the active version without failing a
// call, and goes back by itself when the new one fails more.
//
// The work is done by the packages below, each of which can be read alone:
// catalog and manifest (what may run), launch (one process), session (one
// connection), supervise (when to start again), rollout (replacing a version),
// guard (what one call may cost).
//
// # Errors
//
// All errors that a caller can act on are faults of sdk/fault with the source
// host; those of the plugin and its cloud pass through unchanged.
//
// # Concurrency
//
// Everything is safe for concurrent use. A Host owns all its goroutines and
// processes; Close waits for them. If the host process is killed, the system
// ends the plugins.
package host
