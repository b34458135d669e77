package order_test

import (
	"context"
	"io"

	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Logs: nothing here prints.
func (c *cloud) Logs(context.Context, contract.LogsRequest, io.Writer) error {
	return fault.Unsupported("nothing prints")
}

// Console: nothing here listens.
func (c *cloud) Console(context.Context, contract.ConsoleRequest, <-chan contract.ConsoleInput, func(contract.ConsoleOutput) error) (int, error) {
	return 0, fault.Unsupported("nothing listens")
}
