package password

import (
	"context"
	"testing"
	"testing/synctest"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestHashesWaitForASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := New(Params{MemoryKiB: 8, Passes: 1, Lanes: 1, Concurrency: 2})
		if err != nil {
			t.Fatal(err)
		}
		h.slots <- struct{}{}
		h.slots <- struct{}{} // both are taken
		gaveUp, cancel := context.WithCancel(t.Context())
		refused, served := make(chan error, 1), make(chan error, 1)
		go func() { _, err := h.Hash(gaveUp, secret.New("x")); refused <- err }()
		go func() { _, err := h.Hash(t.Context(), secret.New("x")); served <- err }()
		synctest.Wait()
		if len(refused)+len(served) != 0 {
			t.Fatal("a hash was computed without a slot")
		}
		cancel()
		if err := <-refused; !fault.Is(err, fault.ClassUnavailable) {
			t.Errorf("who gives up waiting is told to try again: %v", err)
		}
		<-h.slots
		if err := <-served; err != nil {
			t.Errorf("who waits is served: %v", err)
		}
		<-h.slots
		if len(h.slots) != 0 {
			t.Error("a slot is given back")
		}
	})
}
