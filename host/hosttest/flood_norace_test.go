//go:build !race

package hosttest_test

// floodMost is how many times its bare cost a flood may cost the host.
const floodMost = 2.0
