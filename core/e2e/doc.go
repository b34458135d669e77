// Package e2e kills a running broker and its plugin at every step of an order
// and proves that nothing is lost, bought twice or paid from nowhere. It also
// replaces the plugin under orders and proves that none fails.
//
// It is tests alone, with real processes throughout: the broker's binary, a
// plugin's, and a simulated cloud that lives through all the kills and is the
// witness of what was really bought. Everything is done over REST or the
// command line, as an operator would. Each child is in a process group of its
// own and ends with the test; every wait is bounded.
package e2e
