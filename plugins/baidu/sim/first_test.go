package sim_test

import (
	"testing"
	"time"
)

func TestInstanceLifeCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, order := w.buy(machine(nil))
	if got := w.status(id); got != "Starting" {
		t.Errorf("a new instance is Starting: %v", got)
	}
	if got := w.orderState(order); got != "READY_FOR_CREATE" {
		t.Errorf("its order waits for the creation: %v", got)
	}
	w.advance(time.Second)
	if got := w.status(id); got != "Running" {
		t.Errorf("it runs after a transition: %v", got)
	}
	if got := w.orderState(order); got != "CREATED" {
		t.Errorf("its order is done: %v", got)
	}
	if !w.PasswordIs(id, password) {
		t.Error("the password arrives")
	}
}
