package e2e

import "testing"

func (k *killer) settlement(t *testing.T) { t.Skip() }
