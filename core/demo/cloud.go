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
)

// startCloud starts the simulator with one account and its switches on a port
// of their own.
func (s *stage) startCloud(ctx context.Context) error {
	work, err := filepath.Abs(s.cfg.Work)
	if err != nil {
		return err
	}
	config := map[string]any{
		"transition_ms": 20, "hide_new_host_polls": 1,
		"limits":   map[string]any{"max_hosts": 1000},
		"accounts": []map[string]any{{"name": "operator", "public_key": s.keys.public, "private_key": s.keys.private, "balance_fen": 100_000_000}},
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	file := filepath.Join(work, "sim.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	p, out, err := s.start("ucloud-sim", "-config", file, "-state", filepath.Join(work, "data", "sim.state"))
	if err != nil {
		return err
	}
	s.cloud = p
	urls := make(chan string, 2)
	p.follow(out, func(line string) {
		if strings.HasPrefix(line, "http") {
			select {
			case urls <- line:
			default:
			}
		}
	})
	if s.sim, err = await(ctx, urls, p, "its address"); err != nil {
		return err
	}
	s.admin, err = await(ctx, urls, p, "the address of its switches")
	return err
}

// fault sets the simulator's faults; none clears them.
func (s *stage) fault(ctx context.Context, faults ...map[string]any) error {
	if faults == nil {
		faults = []map[string]any{}
	}
	c := client{base: s.admin}
	return c.do(ctx, http.MethodPut, "/faults", faults, nil)
}

// cloudReport is what the simulator says it sold.
type cloudReport struct {
	Hosts       int      `json:"hosts"`
	BoughtTwice []string `json:"bought_twice"`
}

func (s *stage) cloudReport(ctx context.Context) (cloudReport, error) {
	var r cloudReport
	c := client{base: s.admin}
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
func (p *play) reloadPlugin(ctx context.Context) error {
	var now struct {
		Changes []struct {
			Kind  string `json:"kind"`
			State string `json:"state"`
			Error string `json:"error"`
		} `json:"changes"`
	}
	if err := p.cast.operator.post(ctx, "/v1/plugins/ucloud/reload", nil, &now); err != nil {
		return err
	}
	if n := len(now.Changes); n == 0 || now.Changes[n-1].Kind != "reload" || now.Changes[n-1].State != "done" {
		return fmt.Errorf("the plugin was not replaced: %+v", now.Changes)
	}
	return nil
}

// killPlugin ends the plugin's process as a crash would and waits until the
// host has a new one.
func (p *play) killPlugin(ctx context.Context) error {
	var before struct {
		PID int `json:"pid"`
	}
	if err := p.cast.operator.get(ctx, "/v1/plugins/ucloud", &before); err != nil {
		return err
	}
	proc, err := os.FindProcess(before.PID)
	if err != nil {
		return err
	}
	if err := proc.Kill(); err != nil {
		return fmt.Errorf("killing the plugin, process %d: %w", before.PID, err)
	}
	return poll(ctx, 20*time.Second, "the plugin to be restarted", func() (bool, error) {
		var now struct {
			PID   int    `json:"pid"`
			State string `json:"state"`
		}
		if err := p.cast.operator.get(ctx, "/v1/plugins/ucloud", &now); err != nil {
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
	for _, who := range p.cast.all() {
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
	for _, who := range p.cast.all() {
		if err := who.signIn(ctx); err != nil {
			return err
		}
	}
	p.say("   a month passes; the broker stopped politely and started again")
	return nil
}
