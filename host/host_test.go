package host_test

import (
	"testing"

	"tradewind.example/host"
)

func TestCallsReachThePlugin(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	got, err := ask(t.Context(), p, "echo", "hello")
	if err != nil || got.ID != "hello" {
		t.Fatalf("got %q, %v", got.ID, err)
	}
	st := status(h)
	t.Logf("%+v", st)
}

func TestInstall(t *testing.T) {
	t.Parallel()
	h, _ := open(t, host.Config{})
	e, err := h.Install(t.Context(), fakeBinary, host.InstallOptions{AcceptComputed: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %+v", e, status(h))
}
