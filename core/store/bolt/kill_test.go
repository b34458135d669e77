package bolt_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// The environment makes the test binary the process that is killed: victimEnv
// is the path of its store, victimLogEnv the limit of its log.
const (
	victimEnv    = "TRADEWIND_TEST_KILL_STORE"
	victimLogEnv = "TRADEWIND_TEST_KILL_LOG"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		limit, _ := strconv.Atoi(os.Getenv(victimLogEnv))
		fmt.Fprintln(os.Stderr, victim(path, limit))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func open(path string) (*bolt.DB, error) {
	return bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
}

// victim writes records until it is killed and prints the number of each one
// that was acknowledged. A record is two keys that belong together.
func victim(path string, logBytes int) error {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler), LogBytes: logBytes})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	failed := make(chan error)
	for writer := range 8 {
		go func() {
			for n := 0; ; n++ {
				number := rand.Int64()
				if err := writeRecord(db, number, writer+n); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println(number)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

func writeRecord(db *bolt.DB, number int64, shape int) error {
	ctx, cancel := contextWithTimeout()
	defer cancel()
	value := make([]byte, 50+shape%7*400)
	return db.Update(ctx, func(tx store.Tx) error {
		if err := tx.Put("left", store.Key(number), value); err != nil {
			return err
		}
		if err := tx.Put("right", store.Key(shape, number), value); err != nil {
			return err
		}
		return tx.Put("shape", store.Key(number), store.Key(shape))
	})
}

// TestKill9 kills a writing process again and again: afterwards the file opens
// and is sound, every acknowledged record is there, and none is there in part.
func TestKill9(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		logBytes int
	}{
		"Log":         {"what only the log has is brought to the file when it opens", 0},
		"Checkpoints": {"a death may come at any step of a checkpoint", 8 << 10},
		"Straight":    {"or when a batch goes past the log", 1 << 10},
	}
	rounds := 15
	if testing.Short() {
		rounds = 5
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "kill.db")
			acknowledged := map[int64]bool{}
			for round := range rounds {
				killOnce(t, path, tc.logBytes, 1+rand.IntN(150), acknowledged)
				inspect(t, path, round, acknowledged)
				if t.Failed() {
					t.Log(tc.reason)
					return
				}
			}
			t.Logf("%d records were acknowledged over %d kills", len(acknowledged), rounds)
		})
	}
}

// killOnce runs a victim, kills it after so many acknowledgements and adds them.
func killOnce(t *testing.T, path string, logBytes, after int, acknowledged map[int64]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = []string{victimEnv + "=" + path, victimLogEnv + "=" + strconv.Itoa(logBytes)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		number, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			break // the last line may be cut
		}
		acknowledged[number] = true
		if n == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait()
	if cmd.ProcessState.Success() || cmd.ProcessState.Exited() {
		t.Fatalf("the writer ended by itself: %v", cmd.ProcessState)
	}
}

func inspect(t *testing.T, path string, round int, acknowledged map[int64]bool) {
	t.Helper()
	db, err := open(path)
	if err != nil {
		t.Fatalf("round %d: the file does not open: %v", round, err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	left, right := 0, 0
	err = db.View(t.Context(), func(r store.Reader) error {
		for number := range acknowledged {
			if v, err := r.Get("left", store.Key(number)); err != nil || v == nil {
				t.Errorf("round %d: the acknowledged record %d is lost: %v", round, number, err)
			}
		}
		if err := r.Scan("right", store.Prefix().All(), func(_, _ []byte) error { right++; return nil }); err != nil {
			return err
		}
		return r.Scan("left", store.Prefix().All(), func(k, v []byte) error {
			left++
			shape, err := r.Get("shape", k)
			if err != nil || shape == nil {
				t.Errorf("round %d: record %x is there in part: %v", round, k, err)
			}
			if other, err := r.Get("right", append(append([]byte(nil), shape...), k...)); err != nil || len(other) != len(v) {
				t.Errorf("round %d: record %x is there in part: %v", round, k, err)
			}
			return nil
		})
	})
	if err != nil || left != right || left < len(acknowledged) {
		t.Errorf("round %d: %d and %d halves, %d acknowledged, %v", round, left, right, len(acknowledged), err)
	}
}
