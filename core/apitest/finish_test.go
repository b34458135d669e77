package apitest

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// finish is what every test of a stage ends with: the books sum to zero, the
// audit log can be read, and no secret is anywhere.
func (s *stage) finish(t *testing.T) {
	t.Helper()
	s.books(t)
	for _, boss := range []*person{s.first, s.second} {
		if n := s.audited(t, boss); n < 20 {
			t.Errorf("%s: the audit log has only %d rows", boss.name, n)
		}
	}
	s.processes(t)
	s.stop()
	for _, whose := range s.secrets.stored(s.log.bytes()) {
		t.Errorf("the log holds %s", whose)
	}
	s.files(t)
}

// books adds up every book.
func (s *stage) books(t *testing.T) {
	t.Helper()
	people := []*person{s.first, s.second}
	for _, w := range []*world{s.a, s.b} {
		for _, tr := range w.trees {
			people = append(people, tr.reseller, tr.customer)
		}
	}
	for _, p := range people {
		sums := map[string]*big.Rat{}
		for cursor := ""; ; {
			var page struct {
				Items []struct{ Book, Currency, Balance string }
				Next  string
			}
			p.must(t, http.MethodGet, "/v1/ledger/accounts?limit=500&cursor="+url.QueryEscape(cursor), nil, &page)
			for _, a := range page.Items {
				amount, ok := new(big.Rat).SetString(a.Balance)
				if !ok {
					t.Fatalf("%s: the balance %q", p.name, a.Balance)
				}
				if sums[a.Book+a.Currency] == nil {
					sums[a.Book+a.Currency] = new(big.Rat)
				}
				sums[a.Book+a.Currency].Add(sums[a.Book+a.Currency], amount)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(sums) == 0 {
			t.Errorf("%s has no book", p.name)
		}
		for book, sum := range sums {
			if sum.Sign() != 0 {
				t.Errorf("%s: the book %s sums to %s", p.name, book, sum.FloatString(2))
			}
		}
	}
}

// audited reads the whole audit log of a root; every answer is inspected.
func (s *stage) audited(t *testing.T, boss *person) int {
	t.Helper()
	n := 0
	for cursor := ""; ; {
		var page struct {
			Items []struct{ Seq uint64 }
			Next  string
		}
		boss.must(t, http.MethodGet, "/v1/audit?tree=true&limit=500&cursor="+url.QueryEscape(cursor), nil, &page)
		if n += len(page.Items); page.Next == "" {
			return n
		}
		cursor = page.Next
	}
}

// processes looks at environment and arguments of the broker and its plugin.
func (s *stage) processes(t *testing.T) {
	t.Helper()
	var plugin struct{ PID int }
	s.first.must(t, http.MethodGet, "/v1/plugins/sandbox", nil, &plugin)
	if plugin.PID == 0 {
		t.Fatal("the plugin does not run")
	}
	for _, pid := range []int{os.Getpid(), plugin.PID} {
		for _, name := range []string{"environ", "cmdline"} {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, whose := range s.secrets.found(raw) {
				t.Errorf("the %s of process %d holds %s", name, pid, whose)
			}
		}
	}
}

// files looks into everything that the broker wrote: the store, its keys, the
// plugins' folder.
func (s *stage) files(t *testing.T) {
	t.Helper()
	seen, marked := 0, false
	err := filepath.WalkDir(filepath.Dir(s.cfg.DataDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		marked = marked || bytes.Contains(raw, []byte(markB))
		for _, whose := range s.secrets.stored(raw) {
			t.Errorf("the file %s holds %s", filepath.Base(path), whose)
		}
		return nil
	})
	if err != nil || seen < 3 || !marked {
		t.Errorf("%d files, what is no secret was found: %t, %v", seen, marked, err)
	}
}
