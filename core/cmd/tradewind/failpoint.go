//go:build !failpoints

package main

// failpoint is nothing in a release: only a binary built with the tag
// failpoints can be told to die at a step.
func failpoint([]string) func(string) { return nil }
