//go:build !race

package hosttest_test

// floodShare bounds what a flood may take of one processor.
const floodShare = 0.2
