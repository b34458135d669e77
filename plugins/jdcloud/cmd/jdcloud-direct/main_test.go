package main

import (
	"testing"

	"tradewind.example/simkit/direct/directtest"
)

func TestLoadMeetsTheSimulator(t *testing.T) {
	t.Parallel()
	directtest.Meet(t, measured(), "private-bench", "private-wrong")
}
