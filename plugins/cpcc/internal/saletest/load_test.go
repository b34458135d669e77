package saletest

import (
	"flag"
	"strconv"
	"testing"

	"tradewind.example/plugins/cpcc/internal/planetest"
)

var load = flag.Int("load", 20, "how many workloads to buy through the broker; 500 to measure")

// TestManyAreSold buys many workloads at once; -v tells how many a second ran.
func TestManyAreSold(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a broker")
	}
	plane.AddNode(t, planetest.Node{CPU: "8", Memory: "32Gi", GPUs: 2})
	plane.AddNode(t, planetest.Node{CPU: "2000", Memory: "2000Gi", Pods: 2000})
	dir, url, _ := open(t)
	walk(t, dir, url, "nothing that is said", func() {}, "-load", strconv.Itoa(*load))
}
