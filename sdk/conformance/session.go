package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// The ways to reach a plugin.
const (
	wayProvider   = "provider"
	wayBinary     = "binary"
	wayConnection = "connection"
)

// promptly is how long an answer may take that needs no work.
const promptly = time.Second

// leaveTime bounds the deleting of what one rule left.
const leaveTime = 10 * time.Second

// labelKey marks the goroutines of a plugin in this process.
const labelKey = "tradewind_conformance"

// session is one running plugin with what the rules need to know of it.
type session struct {
	*client.Client
	target Target
	fix    *Fixture
	d      provider.Description
	id     string // unlike that of any other session; part of every token

	served  *plugintest.Plugin // nil unless the provider is in this process
	process *process           // nil unless the plugin is a binary
	watch   *watch
	unlink  func() // ends serving the host's storage; nil: it is not served

	tokens atomic.Int64
	made   []made // what is to be deleted when the rule ends
	ended  bool
}

// made is a resource that a rule made.
type made struct {
	call provider.Call
	kind string
	id   string
}

// newSession starts the plugin and asks what it is.
func newSession(ctx context.Context, target Target) (*session, error) {
	if err := target.problem(); err != nil {
		return nil, err
	}
	s := &session{target: target, fix: &target.Fixture, id: strings.ToLower(rand.Text()[:8])}
	s.watch = newWatch(s.fix.markers())
	conn, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	if target.Wrap != nil {
		conn = target.Wrap(conn)
	}
	s.Client = client.New(s.watch.over(conn))
	if s.d, err = s.Describe(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("describing the plugin: %w", err), s.close())
	}
	s.watch.add(s.specMarkers())
	s.linkHost(ctx, conn)
	return s, nil
}

// problem tells whether it is clear what to check.
func (t Target) problem() error {
	n := 0
	for _, given := range []bool{t.New != nil, t.Binary != "", t.Conn != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return errors.New("the target needs exactly one of provider, binary and connection")
	}
	return nil
}

// start runs the plugin and returns the connection to it.
func (s *session) start(ctx context.Context) (grpc.ClientConnInterface, error) {
	var err error
	if s.target.Conn != nil {
		return s.target.Conn, nil
	}
	if s.target.Binary != "" {
		if s.process, err = startProcess(ctx, s.target.Binary, s.watch, s.watch.printed()); err != nil {
			return nil, err
		}
		return s.process.conn, nil
	}
	// What the plugin starts inherits the label, and is found by it at the end.
	pprof.Do(ctx, pprof.Labels(labelKey, s.id), func(ctx context.Context) {
		var p provider.Provider
		if p, err = s.target.New(); err == nil {
			log := slog.New(slog.NewJSONHandler(s.watch, &slog.HandlerOptions{Level: slog.LevelDebug}))
			s.served, err = plugintest.Serve(ctx, p, plugintest.Config{Logger: log, Host: s.fix.Host})
		}
	})
	if err != nil {
		return nil, err
	}
	return s.served.Conn(), nil
}

// linkHost serves the host's storage to a process that wants it. Nobody watches
// it: what a plugin stores may hold its secrets.
func (s *session) linkHost(ctx context.Context, conn grpc.ClientConnInterface) {
	if s.process == nil || !s.has(provider.CapHostStorage) {
		return
	}
	h := s.fix.Host
	if h == nil {
		h = plugintest.NewHost()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = client.New(conn).LinkHost(ctx, h) // ends with the process at the latest, whose calls tell
	}()
	s.unlink = func() {
		cancel()
		<-over
	}
}

// close ends the plugin; a second time it does nothing.
func (s *session) close() error {
	if s.ended {
		return nil
	}
	s.ended = true
	if s.unlink != nil {
		s.unlink()
	}
	switch {
	case s.process != nil:
		return s.process.close()
	case s.served != nil:
		return s.served.Close()
	}
	return nil
}

func (s *session) report() Report {
	way := wayConnection
	switch {
	case s.process != nil:
		way = wayBinary
	case s.served != nil:
		way = wayProvider
	}
	return Report{Plugin: s.d.Name, Version: s.d.Version, Way: way, Deprecated: s.d.Deprecations()}
}

// leave ends the faults and deletes what the rule made. What does not work
// here is proved by rules of its own, so it changes no verdict.
func (s *session) leave(ctx context.Context, verdict error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if s.fix.Cloud != nil {
		_ = s.fix.Cloud.Clear(ctx)
	}
	for _, m := range s.made {
		_ = s.remove(ctx, m)
	}
	s.made = nil
	return verdict
}

func (s *session) has(c provider.Capability) bool { return slices.Contains(s.d.Capabilities, c) }

// described returns the kinds that offer all verbs.
func (s *session) described(verbs ...provider.Verb) []provider.KindDescription {
	var out []provider.KindDescription
	for _, k := range s.d.Kinds {
		if !slices.ContainsFunc(verbs, func(v provider.Verb) bool { return !slices.Contains(k.Verbs, v) }) {
			out = append(out, k)
		}
	}
	return out
}

// call is a call for the good account.
func (s *session) call() provider.Call { return s.callFor(s.fix.Account) }

// callFor is a call for an account, with what the cloud's faults set.
func (s *session) callFor(a provider.Account) provider.Call {
	if o, ok := s.fix.Cloud.(Overlay); ok {
		a = overlaid(a, o.Settings())
	}
	locale := s.fix.Locale
	if locale == "" {
		locale = "zh-CN"
	}
	return provider.Call{
		Org: Org, RootOrg: Org, Account: a, Region: s.fix.Region, Zone: s.fix.Zone,
		Locale: locale, RequestID: "conformance-" + s.id,
	}
}

func overlaid(a provider.Account, settings map[string]string) provider.Account {
	all := map[string]string{}
	for _, from := range []map[string]string{a.Settings, settings} {
		for k, v := range from {
			all[k] = v
		}
	}
	a.Settings = all
	return a
}

// token is one that no other change has.
func (s *session) token() string {
	return "cf-" + s.id + "-" + strconv.FormatInt(s.tokens.Add(1), 10)
}

func (s *session) now() time.Time {
	if s.fix.Now != nil {
		return s.fix.Now()
	}
	return time.Now()
}

// pass lets time pass at the cloud.
func (s *session) pass(ctx context.Context, d time.Duration) error {
	if s.fix.Advance != nil {
		s.fix.Advance(d)
		d = 0
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eachKind proves something for every kind that offers the verbs and that the
// fixture can order.
func (s *session) eachKind(ctx context.Context, verbs []provider.Verb, prove func(context.Context, provider.KindDescription, Kind) error) error {
	var errs []error
	for _, d := range s.orderable(verbs...) {
		if err := prove(ctx, d, s.fix.Kinds[d.Name]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	return errors.Join(errs...)
}

// order is a create of a kind with a token.
func (s *session) order(kind, token string, k Kind) provider.CreateRequest {
	name := k.Name
	if name == "" {
		name = "conformance"
	}
	return provider.CreateRequest{Call: s.call(), Token: token, Kind: kind, Name: name, Spec: k.Spec, Term: k.Term}
}

// create makes one resource, waits until it is there, and notes it for deletion.
func (s *session) create(ctx context.Context, kind, token string) (provider.Resource, error) {
	return s.createAs(ctx, s.order(kind, token, s.fix.Kinds[kind]))
}

func (s *session) createAs(ctx context.Context, req provider.CreateRequest) (provider.Resource, error) {
	change, err := s.Create(ctx, req)
	if err != nil {
		return provider.Resource{}, fmt.Errorf("creating: %w", err)
	}
	return s.done(ctx, req, change)
}

// done waits for the end of a create.
func (s *session) done(ctx context.Context, req provider.CreateRequest, change provider.Change) (provider.Resource, error) {
	r := change.Resource
	if r != nil {
		s.note(req.Call, req.Kind, r.ID)
	}
	if change.Operation != "" {
		op, err := s.finish(ctx, req.Call, change.Operation)
		if err != nil {
			return provider.Resource{}, err
		}
		if op.State != provider.OperationSucceeded {
			return provider.Resource{}, fmt.Errorf("the create's operation failed: %w", op.Failure)
		}
		if op.Resource != nil {
			r = op.Resource
		}
	}
	if r == nil || r.ID == "" {
		return provider.Resource{}, errors.New("the create is done and its answer names no resource")
	}
	s.note(req.Call, req.Kind, r.ID)
	return *r, nil
}

// note remembers a resource that is to be deleted.
func (s *session) note(call provider.Call, kind, id string) {
	m := made{call: call, kind: kind, id: id}
	if id != "" && !slices.ContainsFunc(s.made, func(o made) bool { return o.kind == kind && o.id == id }) {
		s.made = append(s.made, m)
	}
}

// remove deletes a resource and waits until it is gone.
func (s *session) remove(ctx context.Context, m made) error {
	call := s.callFor(m.call.Account)
	call.Region, call.Zone = m.call.Region, m.call.Zone
	change, err := s.Delete(ctx, provider.DeleteRequest{Call: call, Token: s.token(), Kind: m.kind, ID: m.id})
	if err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	if change.Operation == "" {
		return nil
	}
	op, err := s.finish(ctx, call, change.Operation)
	if err == nil && op.State != provider.OperationSucceeded {
		err = fmt.Errorf("the delete's operation failed: %w", op.Failure)
	}
	return err
}

// Bounds of waiting for an operation.
const (
	mostPolls = 200
	leastWait = 10 * time.Millisecond
	mostWait  = 5 * time.Second
)

// finish polls an operation until it has ended.
func (s *session) finish(ctx context.Context, call provider.Call, id string) (provider.Operation, error) {
	for range mostPolls {
		op, err := s.Operation(ctx, provider.OperationRequest{Call: call, ID: id})
		if err != nil {
			return op, fmt.Errorf("polling an operation: %w", err)
		}
		if op.State != provider.OperationRunning {
			return op, nil
		}
		if err := s.pass(ctx, min(max(op.CheckAfter, leastWait), mostWait)); err != nil {
			return op, fmt.Errorf("waiting for an operation: %w", err)
		}
	}
	return provider.Operation{}, fmt.Errorf("the operation is still running after %d polls", mostPolls)
}

// list returns all resources of a kind, at most [mostListed].
func (s *session) list(ctx context.Context, call provider.Call, kind string) ([]provider.Resource, error) {
	var out []provider.Resource
	err := s.List(ctx, provider.ListRequest{Call: call, Kind: kind}, func(r provider.Resource) error {
		if len(out) == mostListed {
			return fmt.Errorf("there are more than %d rows: use an account of its own for the suite", mostListed)
		}
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	return out, nil
}

// mostListed bounds the rows that a rule looks at.
const mostListed = 20_000

// find asks what a token made.
func (s *session) find(ctx context.Context, req provider.FindRequest) (provider.Found, error) {
	f, err := s.FindByToken(ctx, req)
	if err != nil {
		return f, fmt.Errorf("finding by token: %w", err)
	}
	return f, nil
}

// created is the question what a create with a token made, asked long after.
func (s *session) created(kind, token string) provider.FindRequest {
	return provider.FindRequest{Call: s.call(), Token: token, Kind: kind, Change: provider.ChangeCreate, Since: s.now().Add(-24 * time.Hour)}
}

// classed checks that err is a fault of one of the classes.
func classed(err error, what string, classes ...fault.Class) error {
	switch {
	case err == nil:
		return fmt.Errorf("%s is accepted; it must be %s", what, either(classes))
	case !slices.Contains(classes, fault.ClassOf(err)):
		return fmt.Errorf("%s must be %s, and is answered: %w", what, either(classes), err)
	}
	return nil
}

func either(classes []fault.Class) string {
	out := classes[0].String()
	for _, c := range classes[1:] {
		out += " or " + c.String()
	}
	return out
}
