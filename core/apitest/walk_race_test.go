//go:build race

package apitest

// walkOneIn says how many requests of a long walk one is sent of. The race
// detector makes each some eight times as slow, and they come one after another:
// without it all are sent. It has no common factor with the number of odd values,
// so that it is another one for each field.
const walkOneIn = 7
