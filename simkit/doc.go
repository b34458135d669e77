// Package simkit is the chassis that all simulated clouds are built on; its
// packages hold what simulators have in common and no fact of any vendor.
//
// A simulator proves a plugin because the two share nothing: a mistake about
// the vendor in one cannot hide behind the same mistake in the other. So
// nothing here signs, names an action, an error code or a state of a resource,
// or imports a vendor's SDK or the plugin's. What is here is the program
// around a simulator ([tradewind.example/simkit/program]), switches for faults
// (faults), the log of calls (calls), the admin API (admin), the file that
// keeps state across a kill (statefile), what any HTTP server of a simulator
// needs (web), and the command that measures a vendor's SDK alone (direct).
//
// A simulator has one mutex for all its state, and what it holds of these
// packages is guarded by that mutex: of its own accord only the panel of package
// admin locks it, for tests.
package simkit
