//go:build race

package hosttest_test

// floodMost is how many times its bare cost a flood may cost the host. The race
// detector makes the bare cost eight times as large, so less is left to the host.
const floodMost = 1.2
