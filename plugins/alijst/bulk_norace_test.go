//go:build !race

package main

// bulk is how many rows the suite's long list has.
const bulk = 100_000
