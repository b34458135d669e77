//go:build !race

package apitest

// walkOneIn says how many requests of a long walk one is sent of.
const walkOneIn = 1
