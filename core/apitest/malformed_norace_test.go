//go:build !race

package apitest

// malformedOneIn says how many malformed requests one is sent of.
const malformedOneIn = 1
