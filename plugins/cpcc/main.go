// Command tradewind-provider-cpcc sells the capacity of compute centres:
// Kubernetes clusters on the operator's own machines. It is a translator only
// towards the clusters; the business itself (centres, devices, clusters, labels,
// priced parts with their stock, workloads) is its own, and lives in the
// broker's storage.
//
// One process serves all accounts at once and keeps nothing that must survive
// it: another process, also of another version, goes on where it stopped.
package main

import "tradewind.example/sdk"

func main() { sdk.Serve(newPlugin(detached{})) }
