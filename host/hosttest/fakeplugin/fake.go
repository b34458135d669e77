package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk"
	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/trace"
)

// version and title are set by the linker for a second version.
var (
	version = "1.0.0"
	title   = "Fake cloud"
)

// fake is a cloud that does what a call's settings say.
type fake struct{}

// Describe implements provider.Provider.
func (f *fake) Describe(context.Context) (provider.Description, error) {
	return provider.Description{
		Name: name(), Version: version, Title: title, Currency: "USD",
		Regions: provider.RegionsModel{HasRegions: true},
	}, nil
}

// name is "fake", or what the catalogue entry's environment says.
func name() string {
	if n := os.Getenv("FAKE_NAME"); n != "" {
		return n
	}
	return "fake"
}

// Check implements provider.Provider.
func (f *fake) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	if problem := req.Call.Account.Settings["problem"]; problem != "" {
		return provider.CheckResponse{Problem: problem}, nil
	}
	return provider.CheckResponse{OK: true, Account: req.Call.Account.ID}, nil
}

// Regions does what the setting "do" says and echoes the setting "echo".
func (f *fake) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	call := req.Call
	if err := misbehave(ctx, call); err != nil {
		return nil, err
	}
	switch call.Account.Settings["do"] {
	case "env":
		return []provider.Region{{ID: strings.Join(variables(), " ")}}, nil
	case "version":
		return []provider.Region{{ID: version, Zones: []provider.Zone{{ID: strconv.Itoa(os.Getpid())}}}}, nil
	}
	size, _ := strconv.Atoi(call.Account.Settings["size"])
	return []provider.Region{{
		ID: call.Account.Settings["echo"], Name: strings.Repeat("n", size),
		Zones: []provider.Zone{{ID: strconv.Itoa(os.Getpid())}},
	}}, nil
}

// variables returns the names of the process's environment.
func variables() []string {
	var names []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func misbehave(ctx context.Context, call provider.Call) error {
	if call.Account.Settings["fails_in"] == version {
		return fault.Unavailable("this version fails")
	}
	if ms, _ := strconv.Atoi(call.Account.Settings["ms"]); ms > 0 {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	switch call.Account.Settings["do"] {
	case "sign_in":
		return fault.Unauthenticated("the key is not known")
	case "panic":
		panic("asked to panic")
	case "die":
		return die(call)
	case "fetch":
		return fetch(ctx, call)
	case "log":
		logAll(ctx)
	case "exit":
		os.Exit(9)
	case "deadlock":
		select {}
	case "wait":
		sdk.Logger().Info("waiting")
		<-ctx.Done()
		sdk.Logger().Info("cancelled in the plugin")
		return fault.Unavailable("cancelled")
	case "log_secrets":
		logSecrets(call)
	}
	return nil
}

// logSecrets prints the credentials past the SDK's own redaction.
func logSecrets(call provider.Call) {
	for name, v := range call.Account.Credentials {
		fmt.Fprintf(os.Stderr, "using %s as the user's %s\n", v.Reveal(), name)
	}
	fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"signing","password":"hunter2hunter2","deep":{"api_key":"deepdeepdeep"}}`)
	fmt.Fprintln(os.Stderr, "all secrets are logged")
}

// die panics where nobody can catch it, with a credential in its last words.
func die(call provider.Call) error {
	go func() {
		panic("asked to die with " + call.Account.Credentials["key"].Reveal())
	}()
	select {}
}

// fetch asks the cloud at the setting "url", within a span of its own.
func fetch(ctx context.Context, call provider.Call) (err error) {
	ctx, span := trace.Start(ctx, "fetch")
	defer func() { span.End(err) }()
	_, err = cloudhttp.New(cloudhttp.Config{}).Do(ctx, cloudhttp.Request{URL: call.Account.Settings["url"]})
	return err
}

// logAll logs one line of each level, and one that is very long.
func logAll(ctx context.Context) {
	log := sdk.Logger()
	log.DebugContext(ctx, "said at debug")
	log.InfoContext(ctx, "said at info")
	log.WarnContext(ctx, "said at warn")
	log.ErrorContext(ctx, "said at error")
	fmt.Fprintln(os.Stderr, `{"@level":"error","@message":"long `+strings.Repeat("x", 100<<10)+`"}`)
}

// Offerings streams as many rows as the setting "rows" says.
func (f *fake) Offerings(_ context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	rows, _ := strconv.Atoi(req.Call.Account.Settings["rows"])
	pause, _ := strconv.Atoi(req.Call.Account.Settings["ms"])
	for i := range rows {
		time.Sleep(time.Duration(pause) * time.Millisecond)
		if err := yield(provider.Offering{ID: strconv.Itoa(i), Kind: "note", Type: "flavour", Name: "row"}); err != nil {
			return err
		}
	}
	return nil
}

// Kinds implements provider.Resourceful.
func (f *fake) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[note, note]("note", "Note", notes{})}
}

type note struct {
	Text string `json:"text"`
}

type notes struct{}

// Create says so in its log, and then does what the text says.
func (notes) Create(ctx context.Context, req provider.TypedCreate[note]) (provider.Result[note], error) {
	sdk.Logger().Info("creating")
	switch req.Spec.Text {
	case "hang":
		select {}
	case "panic":
		panic("asked to panic")
	}
	return provider.Done(provider.Thing[note]{ID: "n1", Name: req.Name, Status: provider.StatusRunning, State: req.Spec}), ctx.Err()
}

// storing is the fake as a plugin that keeps data at the host.
type storing struct {
	fake
	host provider.HostServices
}

// UseHost implements provider.HostUser.
func (s *storing) UseHost(h provider.HostServices) { s.host = h }

// Check answers with the host's time.
func (s *storing) Check(ctx context.Context, _ provider.CheckRequest) (provider.CheckResponse, error) {
	now, err := s.host.Now(ctx)
	return provider.CheckResponse{OK: true, Account: now.Format("2006")}, err
}
