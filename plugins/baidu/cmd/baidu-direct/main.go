// Command baidu-direct is the limit that the plugin is measured against: the
// vendor's SDK alone, calling the simulator that the plugin calls too; see
// package direct of simkit. It is no part of the plugin.
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/plugins/baidu/sim"
	"tradewind.example/simkit/direct"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := measured().Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func measured() direct.Program {
	return direct.Program{Name: "baidu-direct", Start: start, Caller: caller}
}

// start makes a simulator whose keys are good here alone.
func start(latency time.Duration) (direct.Simulator, error) {
	const public, private = "public-bench", "private-bench-0123"
	cfg := sim.Config{CallLogSize: 1, Accounts: []sim.Account{{
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
		Region: "bj", Settings: map[string]string{"access_key": public}, Credentials: map[string]string{"secret_key": private},
	}}, nil
}

// caller makes one client of the SDK.
func caller(_ context.Context, a direct.Account, pool http.RoundTripper) (func() error, error) {
	k, err := bcc.NewClient(a.Settings["access_key"], a.Credentials["secret_key"], a.Endpoint)
	if err != nil {
		return nil, err
	}
	k.Config.Retry, k.HTTPClient = bce.NewNoRetryPolicy(), &http.Client{Transport: pool}
	return func() error {
		_, err := k.DescribeRegions(&api.DescribeRegionsArgs{})
		return err
	}, nil
}
