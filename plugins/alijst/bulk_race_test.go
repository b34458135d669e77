//go:build race

package main

// bulk is how many rows the suite's long list has; the race detector makes
// each of them dear.
const bulk = 10_000
