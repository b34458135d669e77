package e2e

import (
	"context"
	"fmt"
	"os"
	"time"
)

func (w *world) probe(ctx context.Context) {
	f, _ := os.OpenFile("/tmp/probe.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	defer f.Close()
	for range 300 {
		var first struct{ Items []openOrder }
		n := 0
		for _, st := range []string{"held", "provisioning"} {
			if err := w.operator.get(ctx, "/v1/orders?limit=5&state="+st, &first); err != nil {
				return
			}
			n += len(first.Items)
		}
		open, err := w.open(ctx)
		if err != nil {
			return
		}
		fmt.Fprintf(f, "%s first pages %d, really %d\n", time.Now().Format("15:04:05.000"), n, len(open))
		if n == 0 && len(open) > 0 {
			fmt.Fprintf(f, "   BLIND: %v\n", w.situation(ctx, open))
		}
		if len(open) == 0 {
			return
		}
		pause(ctx, time.Second)
	}
}
