package bolt_test

import (
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
)

// TestContract holds bolt to the contract of the store.
func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return storetest.Open(t) })
}
