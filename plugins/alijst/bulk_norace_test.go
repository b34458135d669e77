//go:build !race

package main

// bulk is how many rows the suite's long list has.
const bulk = 100_000

// raced tells of the race detector, which does not look into the built plugin:
// that one is checked without it.
const raced = false
