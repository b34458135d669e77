// Package rules holds the rules of the house as tests: who may import whom,
// package comments, sizes, words that must not occur. It has no code of its
// own; run it with go test.
package rules
