package plugintest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// slowToLeave stays in a list until it is let go.
type slowToLeave struct {
	provider.Provider
	let  chan struct{}
	left atomic.Bool
}

func (s *slowToLeave) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "slow", Version: "1.0.0"}, nil
}

func (s *slowToLeave) Offerings(_ context.Context, _ provider.OfferingsRequest, yield func(provider.Offering) error) error {
	var err error
	for err == nil {
		err = yield(provider.Offering{ID: "o"})
	}
	<-s.let
	s.left.Store(true)
	return err
}

func TestCloseWaitsForCallsInTheAuthorsCode(t *testing.T) {
	t.Parallel()
	s := &slowToLeave{let: make(chan struct{})}
	var log bytes.Buffer
	p, err := plugintest.Serve(t.Context(), s, plugintest.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := p.Client().Offerings(t.Context(), provider.OfferingsRequest{}, func(provider.Offering) error { return enough }); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- p.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed while a call was in the author's code: %v", err)
	default:
	}
	close(s.let)
	if err := <-closed; err != nil || !s.left.Load() {
		t.Errorf("%v; the call has left: %v", err, s.left.Load())
	}
	if log.Len() > 0 {
		t.Errorf("a caller that leaves is no defect of the plugin, but was logged:\n%s", log.String())
	}
}
