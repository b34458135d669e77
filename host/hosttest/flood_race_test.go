//go:build race

package hosttest_test

// floodShare bounds what a flood may take of one processor. The race detector
// multiplies the work; the product is judged by the build without it.
const floodShare = 1.0
