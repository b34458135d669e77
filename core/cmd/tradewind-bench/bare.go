package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"github.com/gofiber/fiber/v2"
	"github.com/spf13/cobra"

	"tradewind.example/core/api/v1"
)

// bareCommand serves a Fiber handler that reads a quote's request and writes a
// quote's answer as JSON and does nothing between: the limit of an API of ours.
func bareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bare-http ANSWER", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			var answer v1.Quote
			if err := json.Unmarshal(raw, &answer); err != nil {
				return fmt.Errorf("reading the answer: %w", err)
			}
			debug.SetGCPercent(400) // as the broker does
			return serveBare(cmd, answer)
		},
	}
}

func serveBare(cmd *cobra.Command, answer v1.Quote) error {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Post("/v1/quotes", func(c *fiber.Ctx) error {
		var in struct {
			ProductID string  `json:"product_id"`
			Term      v1.Term `json:"term"`
		}
		if err := c.BodyParser(&in); err != nil {
			return err
		}
		answer := answer
		answer.ProductID = in.ProductID
		return c.Status(fiber.StatusCreated).JSON(answer)
	})
	l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "serving at http://%s\n", l.Addr())
	return app.Listener(l)
}
