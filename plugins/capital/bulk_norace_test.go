//go:build !race

package main

// bulk is how many disks the account with the long list has.
const bulk = 100_000
