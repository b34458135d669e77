//go:build race

package apitest

// malformedOneIn says how many malformed requests one is sent of. The race
// detector makes each seven times as slow, and they come one after another:
// without it all are sent. It has no common factor with the number of odd
// values, so that it is another one for each field.
const malformedOneIn = 7
