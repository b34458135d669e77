package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	// slowness is how long the cloud keeps the calls waiting that are given up.
	slowness = 5 * time.Second
	// patience is how long a caller waits before it gives up.
	patience = 100 * time.Millisecond
	// early is how much sooner the plugin's end of a deadline may come.
	early = 10 * time.Millisecond
)

// troubleRules prove what a plugin makes of a cloud that fails and of callers
// that leave.
func troubleRules() []Rule {
	creates := []provider.Verb{provider.VerbCreate}
	finds := []provider.Verb{provider.VerbCreate, provider.VerbFindByToken}
	return []Rule{
		{ID: "lost-answer", Title: "a create whose answer got lost has an unknown outcome, is found by its token, and is not made again", Verbs: finds, about: []need{asksSomebody}, with: []need{cloudGiven, orders(finds...)}, run: lostAnswer},
		{ID: "refusal-class", Title: "each refusal of the cloud has its class, and made nothing", Verbs: creates, about: []need{asksSomebody}, with: []need{cloudGiven, orders(creates...)}, run: refusalClass},
		{ID: "refusal-origin", Title: "a refusal says that it is the cloud's, with the cloud's code or request id", Verbs: creates, about: []need{asksSomebody}, with: []need{cloudGiven, orders(creates...)}, run: refusalOrigin},
		{ID: "throttled-wait", Title: "a throttled call says when to come back", Verbs: creates, about: []need{asksSomebody}, with: []need{cloudGiven, orders(creates...)}, run: throttledWait},
		{ID: "cancel", Title: "a call ends within a second when its caller leaves", about: []need{asksSomebody}, with: []need{cloudGiven, accountGiven}, run: cancels},
		{ID: "deadline", Title: "a call ends at its deadline, and a change that may have happened says so", about: []need{asksSomebody}, with: []need{cloudGiven, accountGiven}, run: deadlines},
		{ID: "events-end", Title: "a stream of events ends when its caller leaves", Needs: caps(provider.CapEvents), with: []need{accountGiven}, run: eventsEnd},
	}
}

// fails turns a fault of the cloud on; a skip when it has none such.
func fails(err error) error {
	if fault.Is(err, fault.ClassUnsupported) {
		return skip(fault.As(err).Message)
	}
	return err
}

func lostAnswer(ctx context.Context, s *session) error {
	if err := fails(s.fix.Cloud.LoseAnswers(ctx)); err != nil {
		return err
	}
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbFindByToken}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		before, err := s.rows(ctx, d)
		if err != nil {
			return err
		}
		if err := s.fix.Cloud.LoseAnswers(ctx); err != nil {
			return err
		}
		token := s.token()
		_, lost := s.Create(ctx, s.order(d.Name, token, k))
		if err := s.fix.Cloud.Clear(ctx); err != nil {
			return err
		}
		if lost == nil {
			return errors.New("the answer of the create was lost, and yet there is one")
		}
		if fault.OutcomeOf(lost) != fault.OutcomeUnknown {
			return fmt.Errorf("the answer of the create was lost, and its error says that nothing was made: %w", lost)
		}
		f, err := s.settled(ctx, s.created(d.Name, token))
		if err != nil {
			return err
		}
		if len(f.Resources) != 1 {
			return fmt.Errorf("the token finds %d resources; it must find the one that was made", len(f.Resources))
		}
		made := f.Resources[0].ID
		s.note(s.call(), d.Name, made)
		again, err := s.create(ctx, d.Name, token)
		if err == nil && again.ID != made {
			return errors.New("a second create with the same token made a second resource")
		}
		return s.onlyOne(ctx, d, before, token, made)
	})
}

// refusal is one create that the cloud refused.
type refusal struct {
	d     provider.KindDescription
	token string
	class fault.Class
	err   error
}

// refusals lets the cloud refuse a create for every reason that it has.
func (s *session) refusals(ctx context.Context, judge func(context.Context, refusal) error) error {
	var errs []error
	cases := 0
	for _, class := range fault.Classes() {
		if err := s.fix.Cloud.Refuse(ctx, class); fault.Is(err, fault.ClassUnsupported) {
			continue
		} else if err != nil {
			return err
		}
		for _, d := range s.orderable(provider.VerbCreate) {
			r := refusal{d: d, token: s.token(), class: class}
			if err := s.fix.Cloud.Refuse(ctx, class); err != nil {
				return err
			}
			var change provider.Change
			change, r.err = s.Create(ctx, s.order(d.Name, r.token, s.fix.Kinds[d.Name]))
			if change.Resource != nil {
				s.note(s.call(), d.Name, change.Resource.ID)
			}
			if err := s.fix.Cloud.Clear(ctx); err != nil {
				return err
			}
			if fault.Is(r.err, fault.ClassUnsupported) && class != fault.ClassUnsupported {
				continue // the fault does not concern this kind
			}
			cases++
			if err := judge(ctx, r); err != nil {
				errs = append(errs, fmt.Errorf("%s, %s: %w", d.Name, class, err))
			}
		}
	}
	if cases == 0 {
		return skip("the fixture's cloud refuses nothing on demand")
	}
	return errors.Join(errs...)
}

func refusalClass(ctx context.Context, s *session) error {
	return s.refusals(ctx, func(ctx context.Context, r refusal) error {
		if err := classed(r.err, "a create that the cloud refuses", r.class); err != nil {
			return err
		}
		doubt := r.class == fault.ClassUnavailable || r.class == fault.ClassInternal
		if fault.OutcomeOf(r.err) == fault.OutcomeUnknown {
			if !doubt {
				return errors.New("the cloud refused, and yet the outcome is unknown")
			}
			return nil
		}
		if !slices.Contains(r.d.Verbs, provider.VerbFindByToken) {
			return nil
		}
		f, err := s.settled(ctx, s.created(r.d.Name, r.token))
		if err == nil && len(f.Resources) > 0 {
			s.note(s.call(), r.d.Name, f.Resources[0].ID)
			err = errors.New("the outcome is said to be not done, and the token finds a resource")
		}
		return err
	})
}

func refusalOrigin(ctx context.Context, s *session) error {
	return s.refusals(ctx, func(_ context.Context, r refusal) error {
		e := fault.As(r.err)
		switch {
		case e == nil:
			return nil // that it is accepted is another rule's finding
		case e.Source != fault.SourceCloud:
			return fmt.Errorf("the source is %q; it must be %q", e.Source, fault.SourceCloud)
		case e.CloudCode == "" && e.RequestID == "":
			return errors.New("neither the cloud's code nor its request id is told")
		}
		return nil
	})
}

func throttledWait(ctx context.Context, s *session) error {
	if err := fails(s.fix.Cloud.Refuse(ctx, fault.ClassThrottled)); err != nil {
		return err
	}
	return s.refusals(ctx, func(_ context.Context, r refusal) error {
		if e := fault.As(r.err); r.class == fault.ClassThrottled && e != nil && e.Class == fault.ClassThrottled && e.RetryAfter <= 0 {
			return errors.New("the fault has no time to wait")
		}
		return nil
	})
}

// attempt is a call that may have to wait for the cloud.
type attempt struct {
	name string
	do   func(ctx context.Context) error
}

// attempts returns calls that leave nothing behind, reads first.
func (s *session) attempts() []attempt {
	call, id := s.call(), "cf-none-"+s.id
	out := []attempt{{"check", func(ctx context.Context) error { return second(s.Check(ctx, provider.CheckRequest{Call: call})) }}}
	for _, k := range s.described(provider.VerbList) {
		out = append(out, attempt{"list " + k.Name, func(ctx context.Context) error { return second(s.list(ctx, call, k.Name)) }})
	}
	for _, k := range s.described(provider.VerbGet) {
		out = append(out, attempt{"get " + k.Name, func(ctx context.Context) error {
			return second(s.Get(ctx, provider.GetRequest{Call: call, Kind: k.Name, ID: id}))
		}})
	}
	for _, k := range s.described(provider.VerbDelete) {
		out = append(out, attempt{"delete " + k.Name, func(ctx context.Context) error {
			return second(s.Delete(ctx, provider.DeleteRequest{Call: call, Token: s.token(), Kind: k.Name, ID: id}))
		}})
	}
	return out
}

// waiting makes every call that waits for a slow cloud and judges how it ended,
// after its context did; short gives the context.
func (s *session) waiting(ctx context.Context, short func(context.Context) (context.Context, context.CancelFunc), judge func(attempt, error) error) error {
	if err := fails(s.fix.Cloud.Delay(ctx, slowness)); err != nil {
		return err
	}
	var errs []error
	cases, idle := 0, s.active(ctx)
	for _, a := range s.attempts() {
		// The switch may be in the account, so the calls are made anew.
		short, cancel := short(ctx)
		began := time.Now()
		err := a.do(short)
		took := time.Since(began)
		cancel()
		if took < patience-early {
			continue // it did not have to wait
		}
		cases++
		if took > patience+promptly {
			errs = append(errs, fmt.Errorf("%s ends %s after its caller left", a.name, (took-patience).Round(time.Millisecond)))
		}
		errs = append(errs, s.idle(ctx, a.name, idle), judge(a, err))
	}
	if cases == 0 {
		return skip("no call of the plugin waits for the cloud")
	}
	return errors.Join(errs...)
}

// active returns how many calls are in the plugin's code; 0 for a plugin that
// does not tell.
func (s *session) active(ctx context.Context) int {
	if s.served != nil {
		return s.served.Active()
	}
	d, err := s.Diagnose(ctx, 0)
	if err != nil {
		return 0
	}
	return d.Calls
}

// idle waits until the plugin's code has noticed that a caller left.
func (s *session) idle(ctx context.Context, name string, want int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(promptly)
	for s.active(ctx) > want {
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("%s still runs in the plugin %s after its caller left", name, promptly)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// leaving is the context of a caller that leaves after a while.
func leaving(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(patience, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}

func cancels(ctx context.Context, s *session) error {
	return s.waiting(ctx, leaving, func(a attempt, err error) error {
		return classed(err, a.name+" of a caller that left", fault.ClassUnavailable)
	})
}

func deadlines(ctx context.Context, s *session) error {
	short := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, patience)
	}
	err := s.waiting(ctx, short, func(a attempt, err error) error {
		return classed(err, a.name+" after its deadline", fault.ClassUnavailable)
	})
	var skipped skip
	if errors.As(err, &skipped) {
		return err
	}
	return errors.Join(err, s.slowCreates(ctx))
}

// slowCreates lets creates run into their deadline: one that says that it is
// not done must not have been done.
func (s *session) slowCreates(ctx context.Context) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbFindByToken}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		if err := s.fix.Cloud.Delay(ctx, slowness); err != nil {
			return err
		}
		token, idle := s.token(), s.active(ctx)
		short, cancel := context.WithTimeout(ctx, patience)
		_, late := s.Create(short, s.order(d.Name, token, k))
		cancel()
		errs := []error{s.idle(ctx, "create "+d.Name, idle), s.fix.Cloud.Clear(ctx)}
		f, err := s.settled(ctx, s.created(d.Name, token))
		errs = append(errs, err)
		for _, r := range f.Resources {
			s.note(s.call(), d.Name, r.ID)
		}
		if late != nil && fault.OutcomeOf(late) == fault.OutcomeNotDone && len(f.Resources) > 0 {
			errs = append(errs, errors.New("a create after its deadline says that nothing was made, and something was"))
		}
		return errors.Join(errs...)
	})
}

func eventsEnd(ctx context.Context, s *session) error {
	idle := s.active(ctx)
	short, cancel := leaving(ctx)
	defer cancel()
	began := time.Now()
	err := s.Events(short, provider.EventsRequest{Call: s.call()}, ignore)
	if short.Err() == nil {
		return fmt.Errorf("the stream of events ended by itself: %w", errors.Join(err, errors.New("it must last until the caller leaves")))
	}
	if took := time.Since(began); took > patience+promptly {
		return fmt.Errorf("the stream ended %s after its caller left", took-patience)
	}
	return s.idle(ctx, "the stream of events", idle)
}
