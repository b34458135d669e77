//go:build !race

package main

// bulk is how many addresses the account with the long list has.
const bulk = 100_000
