//go:build !race

package main

// bulk is how many versions the store with the long catalogue has.
const bulk = 100_000
