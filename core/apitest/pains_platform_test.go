package apitest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The product itself, and the index of all pains.

// TestPain09_ResellersNeedThePaidEdition: there is one edition, under one free
// licence, and what resellers live on needs no key of ours.
func TestPain09_ResellersNeedThePaidEdition(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "LICENSE"))
	if err != nil || !strings.Contains(string(raw), "Apache License") {
		t.Errorf("the licence: %v", err)
	}
	s := openShop(t, nil)
	for _, list := range []string{"wallets", "quotes", "orders", "bills", "statements", "protocols", "discounts", "users", "ledger/accounts", "audit"} {
		if a := s.sub.do(t, http.MethodGet, "/v1/"+list, nil); a.status != http.StatusOK {
			t.Errorf("a reseller's %s: %d %s", list, a.status, a.body)
		}
	}
	key := regexp.MustCompile(`(?i)licen[cs]e.?key|premium|enterprise edition`)
	if doc := s.client.send(t, request{method: http.MethodGet, path: "/openapi.json"}); key.Match(doc.body) {
		t.Errorf("the API speaks of another edition: %q", key.Find(doc.body))
	}
	s.finish(t)
}

// TestPain20_ListsGrowWithoutEnd: no list of the API answers with more than a
// page, however much is asked for.
func TestPain20_ListsGrowWithoutEnd(t *testing.T) {
	s := openShop(t, nil)
	lists := 0
	for _, o := range read(t, s.client).operations {
		if o.method != http.MethodGet || !o.has("query", "cursor") || strings.Contains(o.path, "{") {
			continue
		}
		lists++
		for _, limit := range []string{"1000000", "-1", "0"} {
			if a := s.boss.do(t, http.MethodGet, o.path+"?limit="+limit, nil); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s with a limit of %s: %d", o.path, limit, a.status)
			}
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists", lists)
	}
	s.finish(t)
}

// TestPainSyncLooksHealthy: a sync that read nothing says so to whoever asked.
func TestPainSyncLooksHealthy(t *testing.T) {
	s := openShop(t, nil)
	before := len(s.boss.ids(t, "/v1/products"))
	s.operate(t, "stop")
	a := s.boss.do(t, http.MethodPost, "/v1/providers/"+s.provider+"/sync", nil)
	if a.status < 500 || !a.isProblem() {
		t.Errorf("a sync of nothing: %d %s", a.status, a.body)
	}
	if after := len(s.boss.ids(t, "/v1/products")); after != before {
		t.Errorf("%d products before, %d after a sync that failed", before, after)
	}
	s.operate(t, "start")
	s.finish(t)
}

// TestPainWrongCurrency: money in another currency than the wallet's pays
// nothing, and an order is held in the currency it was priced in.
func TestPainWrongCurrency(t *testing.T) {
	s := openShop(t, nil)
	poor := s.join(t, s.sub, "customer", "raft")
	s.agree(t, s.sub, poor, fields{"settle": "realtime", "default_rate": rates[3]})
	s.sub.make(t, "/v1/recharges", fields{"buyer": poor.org, "currency": "USD", "amount": "100000.00", "reference": "slip"})
	if a := poor.do(t, http.MethodPost, "/v1/orders", fields{"product_id": s.product}); a.status != http.StatusPaymentRequired {
		t.Errorf("dollars pay a price in yuan: %d %s", a.status, a.body)
	}
	s.finish(t)
}

// TestThePainsAreIndexed: every line of docs/pains.md names tests that exist or
// says that the pain is not prevented yet, and every pain test is in it.
func TestThePainsAreIndexed(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "pains.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	named := regexp.MustCompile("`(core/[a-z/]+|host|host/[a-z/]+|sdk/[a-z/]+|plugins/ucloud) (Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(page, -1)
	for _, m := range named {
		if !declares(t, filepath.Join("..", "..", m[1]), m[2]) {
			t.Errorf("%s has no test %s", m[1], m[2])
		}
	}
	for letter, most := range map[string]int{"": 20, "N": 24, "B": 15} {
		for n := range most {
			line := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s%d \|.*$`, letter, n+1)).FindString(page)
			if !regexp.MustCompile("`(core|host|sdk)[a-z/]* Test").MatchString(line) && !strings.Contains(line, "| not yet |") {
				t.Errorf("line %s%d: %q names no test", letter, n+1, line)
			}
		}
	}
	files, err := filepath.Glob("pains_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (TestPain\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(page, "`core/apitest "+m[1]+"`") {
				t.Errorf("%s is not in docs/pains.md", m[1])
			}
		}
	}
}

// declares reports whether a test of the package has that name.
func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(") {
			return true
		}
	}
	return false
}
