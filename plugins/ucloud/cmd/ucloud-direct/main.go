// Command ucloud-direct is the limit that the plugin is measured against: the
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

	"github.com/ucloud/ucloud-sdk-go/services/uaccount"
	"github.com/ucloud/ucloud-sdk-go/ucloud"
	"github.com/ucloud/ucloud-sdk-go/ucloud/auth"
	"github.com/ucloud/ucloud-sdk-go/ucloud/log"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/simkit/direct"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := measured().Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func measured() direct.Program {
	return direct.Program{Name: "ucloud-direct", Start: start, Caller: caller}
}

// start makes a simulator whose keys are good here alone.
func start(latency time.Duration) (direct.Simulator, error) {
	const public, private = "public-bench", "private-bench"
	cfg := sim.Config{CallLogSize: 1, Accounts: []sim.Account{{
		Name: "bench", PublicKey: public, PrivateKey: private, BalanceFen: 1_000_000_00,
	}}}
	if latency > 0 {
		cfg.Faults = []sim.Fault{{Kind: sim.KindLatency, DelayMS: int(latency.Milliseconds())}}
	}
	cloud, err := sim.New(cfg)
	if err != nil {
		return direct.Simulator{}, err
	}
	return direct.Simulator{API: cloud, Close: cloud.Close, Account: direct.Account{
		Region: "cn-bj2", Settings: map[string]string{"public_key": public}, Credentials: map[string]string{"private_key": private},
	}}, nil
}

// caller makes one client of the SDK.
func caller(_ context.Context, a direct.Account, pool http.RoundTripper) (func() error, error) {
	cfg, cred := ucloud.NewConfig(), auth.NewCredential()
	cfg.BaseUrl, cfg.LogLevel, cfg.Timeout = a.Endpoint, log.FatalLevel, 30*time.Second
	cred.PublicKey, cred.PrivateKey = a.Settings["public_key"], a.Credentials["private_key"]
	client := uaccount.NewClient(&cfg, &cred)
	client.SetTransport(pool)
	return func() error {
		_, err := client.GetProjectList(client.NewGetProjectListRequest())
		return err
	}, nil
}
