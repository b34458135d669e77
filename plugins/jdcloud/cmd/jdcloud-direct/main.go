// Command jdcloud-direct is the limit that the plugin is measured against: the
// vendor's SDK alone, calling the simulator that the plugin calls too; see
// package direct of simkit. It is no part of the plugin.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jdcloud-api/jdcloud-sdk-go/core"
	"github.com/jdcloud-api/jdcloud-sdk-go/services/user/apis"
	"github.com/jdcloud-api/jdcloud-sdk-go/services/user/client"

	"tradewind.example/plugins/jdcloud/sim"
	"tradewind.example/simkit/direct"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := measured().Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func measured() direct.Program {
	return direct.Program{Name: "jdcloud-direct", Start: start, Caller: new(process).caller}
}

// start makes a simulator whose keys are good here alone.
func start(latency time.Duration) (direct.Simulator, error) {
	const public, private = "public-bench", "private-bench"
	cfg := sim.Config{CallLogSize: 1, CallsPerMinute: -1, Accounts: []sim.Account{{
		Name: "bench", AccessKey: public, SecretKey: private, BalanceFen: 1_000_000_00,
	}}}
	if latency > 0 {
		cfg.Faults = []sim.Fault{{Kind: sim.KindLatency, DelayMS: int(latency.Milliseconds())}}
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		return direct.Simulator{}, err
	}
	return direct.Simulator{API: cloud, Close: cloud.Close, Account: direct.Account{
		Region: "cn-north-1", Settings: map[string]string{"access_key": public}, Credentials: map[string]string{"secret_key": private},
	}}, nil
}

// process gives the SDK its connections: it knows those of the process alone.
type process struct{ once sync.Once }

// caller makes one client of the SDK.
func (p *process) caller(_ context.Context, a direct.Account, pool http.RoundTripper) (func() error, error) {
	at, err := url.Parse(a.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	p.once.Do(func() { http.DefaultTransport = pool })
	k := client.NewUserClient(core.NewCredentials(a.Settings["access_key"], a.Credentials["secret_key"]))
	cfg := core.NewConfig()
	cfg.SetScheme(at.Scheme)
	cfg.SetEndpoint(at.Host)
	cfg.SetTimeout(30 * time.Second)
	k.SetConfig(cfg)
	k.DisableLogger()
	return func() error {
		answer, err := k.DescribeUser(apis.NewDescribeUserRequestWithoutParam())
		switch {
		case err != nil:
			return err
		case answer.Error.Code != 0:
			return errors.New("the cloud refuses: " + strconv.Itoa(answer.Error.Code))
		}
		return nil
	}, nil
}
