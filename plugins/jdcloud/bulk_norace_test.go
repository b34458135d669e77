//go:build !race

package main

// bulk is how many bill lines the account with the long list has.
const bulk = 100_000

// raced tells of the race detector, which does not look into the built plugin:
// that one is checked without it.
const raced = false
