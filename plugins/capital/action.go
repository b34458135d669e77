package main

import (
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

func instanceKind(p *plugin) *provider.Kind {
	return provider.KindOf[InstanceSpec, InstanceState](kinds.Instance, "Server", newInstances(p))
}
