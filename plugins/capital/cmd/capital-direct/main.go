// Command capital-direct is the limit that the plugin is measured against: the
// vendor's SDK alone, calling the simulator that the plugin calls too; see
// package direct of simkit. It is no part of the plugin.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/capitalonline/cds-gic-sdk-go/common"
	cdshttp "github.com/capitalonline/cds-gic-sdk-go/common/http"
	"github.com/capitalonline/cds-gic-sdk-go/common/profile"

	"tradewind.example/plugins/capital/sim"
	"tradewind.example/simkit/direct"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := measured().Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func measured() direct.Program {
	return direct.Program{Name: "capital-direct", Start: start, Caller: caller}
}

// start makes a simulator whose keys are good here alone.
func start(latency time.Duration) (direct.Simulator, error) {
	const public, private = "public-bench", "private-bench"
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
		Region: "CN_HongKong", Settings: map[string]string{"access_key": public}, Credentials: map[string]string{"secret_key": private},
	}}, nil
}

// caller makes one client of the SDK.
func caller(_ context.Context, a direct.Account, pool http.RoundTripper) (func() error, error) {
	at, err := url.Parse(a.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	client := new(common.Client).Init(a.Region).
		WithCredential(common.NewCredential(a.Settings["access_key"], a.Credentials["secret_key"])).
		WithProfile(profile.NewClientProfile()).WithHttpTransport(elsewhere{at, pool})
	return func() error {
		r := (&cdshttp.BaseRequest{}).Init().WithApiInfo("ecs/v1", "2019-08-08", "DescribeAccountSubject")
		r.SetDomain("api.capitalonline.net/ecs/v1")
		r.SetHttpMethod(http.MethodGet)
		return client.Send(&request{r}, &answer{BaseResponse: &cdshttp.BaseResponse{}})
	}, nil
}

// elsewhere sends what the SDK addresses to the vendor to the simulator.
type elsewhere struct {
	at   *url.URL
	next http.RoundTripper
}

// RoundTrip makes the request.
func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = e.at.Scheme, e.at.Host, e.at.Host
	return e.next.RoundTrip(r)
}

// request and answer carry an action that the SDK has no types for.
type (
	request struct{ *cdshttp.BaseRequest }
	answer  struct {
		*cdshttp.BaseResponse
		Data []struct{ Name string }
	}
)
