//go:build race

package main

// bulk is how many versions the store with the long catalogue has. The race detector
// makes each some ten times as slow.
const bulk = 10_000

// raced tells of the race detector, which does not look into the built plugin:
// that one is checked without it.
const raced = true
