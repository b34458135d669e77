//go:build !race

package main

// raced tells of the race detector, which does not look into the built plugin:
// that one is checked without it.
const raced = false
