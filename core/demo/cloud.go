package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tradewind.example/core/money"
)

// provider is one cloud on the stage: its simulator, and what the broker knows
// of it.
type provider struct {
	cloud
	url       string // of the simulated cloud
	admin     string // of the simulator's switches
	keys      keys
	simulator *process

	org, id  string  // the cloud's commercial org, the registered provider
	viewer   *client // of the commercial org
	products []product
	networks map[*client]map[string]any // by customer, the fields of a spec that name the network
	sold     tally
}

func newProvider(row cloud) *provider {
	return &provider{
		cloud: row, networks: map[*client]map[string]any{},
		sold: tally{refused: map[string]int{}},
	}
}

// product is what is on sale.
type product struct {
	ID       string         `json:"id"`
	VendorID string         `json:"vendor_id"`
	Name     string         `json:"name"`
	Spec     map[string]any `json:"spec"`
}

// The places of the products of a provider.
const (
	raised = 2 // the one whose floor the operator raises
	dear   = 3 // the one that nobody here can pay
)

// startCloud starts a simulator with one account and its switches on a port of
// their own.
func (s *stage) startCloud(ctx context.Context, at *provider) error {
	text, err := json.Marshal(at.simulatorConfig(at.keys))
	if err != nil {
		return err
	}
	file := filepath.Join(s.work, at.simulatorBinary()+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	p, out, err := s.start(at.simulatorBinary(), "-config", file, "-state", filepath.Join(s.work, "data", at.simulatorBinary()+".state"))
	if err != nil {
		return err
	}
	at.simulator = p
	urls := make(chan string, 2)
	p.follow(out, func(line string) {
		if strings.HasPrefix(line, "http") {
			select {
			case urls <- line:
			default:
			}
		}
	})
	if at.url, err = await(ctx, urls, p, "its address"); err != nil {
		return err
	}
	at.admin, err = await(ctx, urls, p, "the address of its switches")
	return err
}

// fault sets the simulator's faults; none clears them.
func (at *provider) fault(ctx context.Context, faults ...map[string]any) error {
	if faults == nil {
		faults = []map[string]any{}
	}
	c := client{base: at.admin}
	return c.do(ctx, http.MethodPut, "/faults", faults, nil)
}

// hits is how many calls met with the simulator's one fault.
func (at *provider) hits(ctx context.Context) (int, error) {
	var faults []struct {
		Hits int `json:"hits"`
	}
	c := client{base: at.admin}
	if err := c.do(ctx, http.MethodGet, "/faults", nil, &faults); err != nil {
		return 0, err
	}
	if len(faults) != 1 {
		return 0, fmt.Errorf("the simulator of %s has %d faults, not one", at.title, len(faults))
	}
	return faults[0].Hits, nil
}

// cloudReport is what the simulator says it sold.
type cloudReport struct {
	Hosts       int      `json:"hosts"`
	Apps        int      `json:"apps"` // of consoles
	BoughtTwice []string `json:"bought_twice"`
	// Parts are what each purchase consists of, by the cloud's id of it.
	Parts    map[string][]simulated `json:"parts"`
	Accounts map[string]struct {
		Spent    money.Amount `json:"spent_fen"`
		Refunded money.Amount `json:"refunded_fen"`
	} `json:"accounts"`
}

// charged is what the cloud took of the account and kept, at list prices.
func (r cloudReport) charged() (money.Amount, error) {
	books, ok := r.Accounts[accountName]
	if !ok {
		return 0, fmt.Errorf("the simulator has no account %q", accountName)
	}
	return books.Spent.Sub(books.Refunded)
}

func (at *provider) report(ctx context.Context) (cloudReport, error) {
	var r cloudReport
	c := client{base: at.admin}
	return r, c.do(ctx, http.MethodGet, "/state?limit=1000", nil, &r)
}

// brokerConfig is the configuration an operator would write.
func brokerConfig(work, listen, sockets string) map[string]any {
	return map[string]any{
		"listen": listen, "data_dir": filepath.Join(work, "data"), "keyset_file": filepath.Join(work, "keys", "keyset.json"),
		"plugins": map[string]any{"dir": filepath.Join(work, "plugins"), "run_dir": sockets, "drop_dir": filepath.Join(work, "drop")},
		"rate":    map[string]any{"per_second": 10_000, "burst": 10_000},
		"orders":  map[string]any{"call_timeout": "3s"}, // the simulator answers in milliseconds: doubt ends early
	}
}

// reloadPlugin replaces the plugin's process as an upgrade would: beside the old
// one, without failing a call.
func (p *play) reloadPlugin(ctx context.Context, at *provider) error {
	var now struct {
		Changes []struct {
			Kind  string `json:"kind"`
			State string `json:"state"`
			Error string `json:"error"`
		} `json:"changes"`
	}
	if err := p.cast.operator.post(ctx, "/v1/plugins/"+at.name+"/reload", nil, &now); err != nil {
		return err
	}
	if n := len(now.Changes); n == 0 || now.Changes[n-1].Kind != "reload" || now.Changes[n-1].State != "done" {
		return fmt.Errorf("the plugin %s was not replaced: %+v", at.name, now.Changes)
	}
	return nil
}

// killPlugin ends the plugin's process as a crash would and waits until the
// host has a new one.
func (p *play) killPlugin(ctx context.Context, at *provider) error {
	var before struct {
		PID int `json:"pid"`
	}
	if err := p.cast.operator.get(ctx, "/v1/plugins/"+at.name, &before); err != nil {
		return err
	}
	proc, err := os.FindProcess(before.PID)
	if err != nil {
		return err
	}
	if err := proc.Kill(); err != nil {
		return fmt.Errorf("killing the plugin %s, process %d: %w", at.name, before.PID, err)
	}
	return poll(ctx, 20*time.Second, "the plugin "+at.name+" to be restarted", func() (bool, error) {
		var now struct {
			PID   int    `json:"pid"`
			State string `json:"state"`
		}
		if err := p.cast.operator.get(ctx, "/v1/plugins/"+at.name, &now); err != nil {
			return false, err
		}
		return now.PID != 0 && now.PID != before.PID && now.State == "ready", nil
	})
}

// killBroker ends the broker as a power cut would and starts it again.
func (p *play) killBroker(ctx context.Context) error {
	p.broker.kill()
	if err := p.startBroker(ctx); err != nil {
		return fmt.Errorf("starting the broker again: %w", err)
	}
	p.moved()
	return nil
}

// moved tells everybody the broker's new address.
func (p *play) moved() {
	for _, who := range p.everybody() {
		who.base = p.api
	}
}

// monthEnd is how far the broker's clock is moved to see the month end.
const monthEnd = 32 * 24 * time.Hour

// passMonth restarts the broker in the next month and signs everybody in again.
func (p *play) passMonth(ctx context.Context) error {
	if err := p.broker.stop(); err != nil {
		return fmt.Errorf("stopping the broker: %w", err)
	}
	p.offset = monthEnd
	if err := p.startBroker(ctx); err != nil {
		return err
	}
	p.moved()
	for _, who := range p.everybody() {
		if err := who.signIn(ctx); err != nil {
			return err
		}
	}
	p.say("   a month passes; the broker stopped politely and started again")
	return nil
}
