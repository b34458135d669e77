//go:build !race

package main

// bulk is how many bill lines the account with the long list has.
const bulk = 100_000
