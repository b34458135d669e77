// Command centre opens a compute centre at a running broker and sells a workload
// of it, all over REST: the operator registers the plugin cpcc, a cluster and
// priced parts; a customer sees what is on sale, buys a box with two cards, looks
// at it and gives it back. It shows the order of the steps, and ends with an
// error at the first that goes wrong.
//
// Secrets are read from files: nothing of them is in the arguments.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "centre:", err)
		os.Exit(1)
	}
}

// longest bounds a whole walk.
const longest = 5 * time.Minute

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("centre", flag.ContinueOnError)
	broker := flags.String("broker", "http://127.0.0.1:8080", "URL of the broker")
	login := flags.String("login", "admin", "login of the operator's superadmin")
	password := flags.String("password-file", "", "file with that password")
	kubeconfig := flags.String("kubeconfig", "", "file with the cluster's kubeconfig")
	image := flags.String("image", "docker.io/ubuntu:22.04", "image to run")
	rush := flags.Int("rush", 0, "how many buy the last box at once, at the end")
	load := flags.Int("load", 0, "how many small workloads to buy after that")
	if err := flags.Parse(args); err != nil {
		return err
	}
	word, err := os.ReadFile(*password)
	if err != nil {
		return fmt.Errorf("reading the password: %w", err)
	}
	config, err := os.ReadFile(*kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	w := &walk{operator: newPerson(*broker, *login, strings.TrimSpace(string(word))), kubeconfig: string(config), image: *image, rush: *rush, load: *load, out: os.Stdout}
	return w.all(ctx)
}
