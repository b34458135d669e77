package ledger

import (
	"fmt"

	"tradewind.example/sdk/clock"
)

// Config is what a Ledger needs.
type Config struct {
	Clock clock.Clock
}

// Ledger writes and reads the books. It keeps nothing in memory.
type Ledger struct {
	clock clock.Clock
}

// New returns a ledger over whatever store the transactions given to it belong to.
func New(cfg Config) (*Ledger, error) {
	if cfg.Clock == nil {
		return nil, fmt.Errorf("ledger: a clock is required")
	}
	return &Ledger{clock: cfg.Clock}, nil
}
