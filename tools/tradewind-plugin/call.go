package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
	"tradewind.example/tools/call"
	"tradewind.example/tools/secretfile"
)

// maxAccount bounds an account file, in bytes.
const maxAccount = 1 << 20

func callCommand() *cobra.Command {
	var from, input string
	var timeout time.Duration
	var verbose bool
	plain, ofKind := call.Verbs()
	cmd := &cobra.Command{
		Use: "call BINARY [KIND] VERB", Short: "Make one call to a built plugin",
		Long: "Start the plugin, make one call and print the answer as JSON, secrets masked.\n\n" +
			"Verbs of the plugin: " + strings.Join(plain, ", ") + ".\nVerbs of a kind: " + strings.Join(ofKind, ", ") + ".\n\n" +
			"The account comes from a file that only you can read (chmod 600), or from standard input with -:\n" +
			"  endpoint: https://api.cloud.example\n  settings: {public_key: …}\n  credentials: {secret_key: …}\n" +
			"Credentials are never taken from arguments or the environment.",
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r := call.Request{Verb: args[len(args)-1]}
			if len(args) == 3 {
				r.Kind = args[1]
			}
			if r.Input, err = call.ParseInput(input); err != nil {
				return err
			}
			if r.Account, err = readAccount(from, cmd.InOrStdin()); err != nil {
				return err
			}
			logs := io.Discard
			if verbose {
				logs = cmd.ErrOrStderr()
			}
			p, err := conformance.Start(cmd.Context(), args[0], logs)
			if err != nil {
				return fmt.Errorf("starting the plugin: %w", err)
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			return makeCall(cmd, p, r, timeout)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "account", "", "file with the account, - for standard input")
	f.StringVar(&input, "json", "", `the request, e.g. '{"region":"east","name":"web","spec":{"size":"small"}}'`)
	f.DurationVar(&timeout, "timeout", time.Minute, "the longest the call may take")
	f.BoolVar(&verbose, "logs", false, "show what the plugin logs")
	return cmd
}

func makeCall(cmd *cobra.Command, p *conformance.Process, r call.Request, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	newToken := func() string {
		token := "call-" + rand.Text()
		fmt.Fprintf(cmd.ErrOrStderr(), "token: %s\n", token) // needed to repeat or to find the change
		return token
	}
	return call.Do(ctx, client.New(p.Conn()), r, newToken, cmd.OutOrStdout())
}

// accountFile is what an account file holds.
type accountFile struct {
	ID          string            `yaml:"id"`
	Endpoint    string            `yaml:"endpoint"`
	Settings    map[string]string `yaml:"settings"`
	Credentials map[string]string `yaml:"credentials"`
}

// readAccount reads the account; "" is one without anything.
func readAccount(from string, stdin io.Reader) (provider.Account, error) {
	a := provider.Account{ID: "call", Credentials: map[string]secret.Value{}}
	if from == "" {
		return a, nil
	}
	raw, err := readSecrets(from, stdin)
	if err != nil {
		return a, err
	}
	var f accountFile
	if yaml.Unmarshal(raw, &f) != nil { // its error would quote what was read
		return a, errors.New("the account is not YAML with endpoint, settings and credentials, all of them texts")
	}
	if f.ID != "" {
		a.ID = f.ID
	}
	a.Endpoint, a.Settings = f.Endpoint, f.Settings
	for name, text := range f.Credentials {
		a.Credentials[name] = secret.New(text)
	}
	return a, nil
}

func readSecrets(from string, stdin io.Reader) ([]byte, error) {
	if from != "-" {
		return secretfile.Read(from, maxAccount)
	}
	raw, err := io.ReadAll(io.LimitReader(stdin, maxAccount))
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	return raw, nil
}
