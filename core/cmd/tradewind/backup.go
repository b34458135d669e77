package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tradewind.example/core/app"
	"tradewind.example/core/audit"
	"tradewind.example/core/ledger"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// backupCommand copies the store: from a running broker over REST, or from the
// file when none runs.
func backupCommand() *cobra.Command {
	var from source
	var to, url, tokenFile string
	var force bool
	cmd := &cobra.Command{
		Use: "backup", Short: "Write a consistent copy of the store", Args: cobra.NoArgs,
		Long: "Write a consistent copy of the store. With --url the copy comes from a running broker, online; without, from the store's file, which no broker may have open. A file that exists is overwritten only with --force.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := writeBackup(cmd.Context(), to, force, func(ctx context.Context, w io.Writer) (int64, error) {
				if url != "" {
					return download(ctx, url, tokenFile, w)
				}
				cfg, err := from.load()
				if err != nil {
					return 0, err
				}
				return backupFile(ctx, app.StorePath(cfg), w)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote %d bytes to %s\n", n, to)
			return err
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "`file` to write")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file when it exists")
	cmd.Flags().StringVar(&url, "url", "", "`URL` of a running broker")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`file` with an API token, for --url")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// writeBackup writes beside the target, which then gets its name, so that a
// broken backup never looks like a whole one. An older one is replaced with
// force alone.
func writeBackup(ctx context.Context, to string, force bool, write func(context.Context, io.Writer) (int64, error)) (n int64, err error) {
	if _, err := os.Lstat(to); err == nil && !force {
		return 0, overwriting(to)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".backup-*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if n, err = write(ctx, f); err != nil {
		return 0, err
	}
	if err = f.Sync(); err != nil {
		return 0, err
	}
	if err = f.Close(); err != nil {
		return 0, err
	}
	return n, place(f.Name(), to, force)
}

// place gives a written file its name. A link, unlike a rename, refuses a name
// that was taken meanwhile.
func place(from, to string, force bool) error {
	if force {
		return os.Rename(from, to)
	}
	err := os.Link(from, to)
	if errors.Is(err, os.ErrExist) {
		return overwriting(to)
	}
	if err != nil { // a file system without links
		return os.Rename(from, to)
	}
	return os.Remove(from)
}

func overwriting(to string) error {
	return fmt.Errorf("%q exists: choose another name, or overwrite it with --force", to)
}

func backupFile(ctx context.Context, path string, w io.Writer) (int64, error) {
	var n int64
	err := offline(path, func(db *bolt.DB) (err error) {
		n, err = db.Backup(ctx, w)
		return err
	})
	return n, err
}

func download(ctx context.Context, url, tokenFile string, w io.Writer) (int64, error) {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return 0, fmt.Errorf("reading the token: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/backup", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+string(trim(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var p struct{ Detail string }
		_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&p) // the status says enough without it
		return 0, fmt.Errorf("the broker answers %d: %s", resp.StatusCode, p.Detail)
	}
	return io.Copy(w, resp.Body)
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r' || b[len(b)-1] == ' ') {
		b = b[:len(b)-1]
	}
	return b
}

func restoreCommand() *cobra.Command {
	var from source
	var backup string
	cmd := &cobra.Command{
		Use: "restore", Short: "Put a backup in the place of the store", Args: cobra.NoArgs,
		Long: "Put a backup in the place of the store. The backup is read whole and checked first; the store that was there is kept beside it. No broker may run.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
				return err
			}
			steps := app.Migrations()
			err = bolt.Restore(cmd.Context(), bolt.RestoreOptions{Backup: backup, Path: app.StorePath(cfg), NewestSchema: steps[len(steps)-1].Version})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored %s\n", app.StorePath(cfg))
			return err
		},
	}
	from.flags(cmd)
	cmd.Flags().StringVar(&backup, "from", "", "`file` that backup wrote")
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

// offline opens the store's file for a tool, without a broker.
func offline(path string, fn func(*bolt.DB) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no store: %w", err)
	}
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(db)
}

// verifyCommand is a command that reads the whole store and says whether a
// part of it holds.
func verifyCommand(what, long string, verify func(store.Reader) error) *cobra.Command {
	var from source
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the whole " + what, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := from.load()
			if err != nil {
				return err
			}
			err = offline(app.StorePath(cfg), func(db *bolt.DB) error { return db.View(cmd.Context(), verify) })
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the %s is whole\n", what)
			return err
		},
	}
	from.flags(cmd)
	return cmd
}

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Work with the audit log"}
	cmd.AddCommand(verifyCommand("audit log", "Recompute the hash chain of the audit log and name the first broken record. No broker may run.", audit.Verify))
	return cmd
}

func ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "Work with the books"}
	cmd.AddCommand(verifyCommand("ledger", "Check that every book sums to zero, running balances and holds match, and wallets mirror deposits. No broker may run.", ledger.Verify))
	return cmd
}
