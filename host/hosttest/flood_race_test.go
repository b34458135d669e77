//go:build race

package hosttest_test

// floodMost is how many times its bare cost a flood may cost the host. The race
// detector multiplies the work between goroutines, which the bare log has none
// of; the product is judged by the build without it.
const floodMost = 4
