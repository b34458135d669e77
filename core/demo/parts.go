package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// simulated is one part as the simulator tells of it, by the end of its id.
type simulated struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// shown is a resource as the broker shows it.
type shown struct {
	ID       string     `json:"id"`
	ParentID string     `json:"parent_id"`
	Parts    int        `json:"parts"`
	Kind     string     `json:"kind"`
	VendorID string     `json:"vendor_id"`
	Status   string     `json:"status"`
	Released *time.Time `json:"released"`
}

// someBought is how many purchases are worked on to have parts, where a purchase
// has none by itself.
const someBought = 3

// consist looks at what the purchases consist of at each cloud, as their buyers
// see it, and works on one part.
func (p *play) consist(ctx context.Context) error {
	for _, at := range p.providers {
		if at.consists == nil {
			continue
		}
		if err := p.assemble(ctx, at); err != nil {
			return fmt.Errorf("what was bought at %s consists of: %w", at.title, err)
		}
	}
	return nil
}

func (p *play) assemble(ctx context.Context, at *provider) error {
	who := at.sold.accepted[0].who
	some, err := at.first(ctx, who, someBought)
	if err != nil {
		return err
	}
	if at.consists.before.action != "" {
		for i, r := range some[:someBought] {
			if _, err := p.act(ctx, who, r.ID, fmt.Sprintf("before-%s-%d", at.name, i), at.consists.before); err != nil {
				return err
			}
		}
	}
	parts, err := p.compared(ctx, at)
	if err != nil {
		return err
	}
	p.say("   what they consist of shows below them: %d parts, the same as the cloud has", parts)
	return p.workOn(ctx, at, who, some[0].ID)
}

// compared holds the parts of every purchase against what the simulator says it
// consists of, and counts them.
func (p *play) compared(ctx context.Context, at *provider) (int, error) {
	cloud, err := at.report(ctx)
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, o := range at.sold.accepted {
		var now orderState
		if err := o.who.get(ctx, "/v1/orders/"+o.id, &now); err != nil {
			return 0, err
		}
		for _, id := range now.ResourceIDs {
			n, err := samePieces(ctx, o.who, id, cloud)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	if sum == 0 {
		return 0, fmt.Errorf("nothing: no purchase has a part")
	}
	return sum, nil
}

// samePieces compares one purchase's parts with the simulator's. An action is
// done a moment before what it made is stored, so their number is waited for.
func samePieces(ctx context.Context, who *client, id string, cloud cloudReport) (int, error) {
	var of shown
	var parts []shown
	var want []simulated
	what := fmt.Sprintf("%s to show the parts that the cloud has", id)
	err := poll(ctx, 20*time.Second, what, func() (told bool, err error) {
		of = shown{}
		if err := who.get(ctx, "/v1/resources/"+id, &of); err != nil {
			return false, err
		}
		if parts, err = partsBelow(ctx, who, id, false); err != nil {
			return false, err
		}
		want, told = cloud.Parts[of.VendorID]
		return told && len(parts) == len(want) && of.Parts == len(parts), nil
	})
	if err != nil {
		return 0, fmt.Errorf("%s shows %d parts and says it has %d, the cloud has %d: %w", of.VendorID, len(parts), of.Parts, len(want), err)
	}
	for _, w := range want {
		at := slices.IndexFunc(parts, func(r shown) bool { return r.Kind == w.Kind && strings.HasSuffix(r.VendorID, w.ID) })
		if at < 0 {
			return 0, fmt.Errorf("%s does not show the %s %s", of.VendorID, w.Kind, w.ID)
		}
		parts = slices.Delete(parts, at, at+1)
	}
	return len(want), nil
}

// partsBelow are the parts of a resource, with those that have ended if wanted.
func partsBelow(ctx context.Context, who *client, id string, ended bool) ([]shown, error) {
	var out []shown
	path := fmt.Sprintf("/v1/resources?parent_id=%s&released=%t", id, ended)
	err := each(ctx, who, path, func(r shown) error {
		if r.ParentID != id {
			return fmt.Errorf("%s is listed below %s and belongs to %q", r.ID, id, r.ParentID)
		}
		out = append(out, r)
		return nil
	})
	return out, err
}

// workOn performs an action on one part of a purchase, through its own resource.
func (p *play) workOn(ctx context.Context, at *provider, who *client, id string) error {
	parts, err := partsBelow(ctx, who, id, false)
	if err != nil {
		return err
	}
	do := at.consists.on
	i := slices.IndexFunc(parts, func(r shown) bool { return r.Kind == do.kind })
	if i < 0 {
		return fmt.Errorf("%s has no %s", id, do.kind)
	}
	output, err := p.act(ctx, who, parts[i].ID, "part-"+at.name, do)
	if err != nil {
		return err
	}
	if len(output) == 0 {
		return fmt.Errorf("%s of the part %s answers nothing", do.action, parts[i].ID)
	}
	var now shown
	if err := who.get(ctx, "/v1/resources/"+parts[i].ID, &now); err != nil {
		return err
	}
	if now.ParentID != id || now.Released != nil {
		return fmt.Errorf("after %s the part %s is %+v", do.action, parts[i].ID, now)
	}
	at.sold.acted = now.ID
	p.say("   %s: %s of the %s %s, which is %s now", who.name, do.action, do.kind, now.VendorID, now.Status)
	return nil
}

// act performs an action and waits for its end.
func (p *play) act(ctx context.Context, who *client, id, key string, do deed) (json.RawMessage, error) {
	var run struct {
		ID      string          `json:"id"`
		State   string          `json:"state"`
		Problem string          `json:"problem"`
		Output  json.RawMessage `json:"output"`
	}
	body := map[string]any{}
	if do.input != nil {
		body["input"] = do.input
	}
	if err := who.pay(ctx, "/v1/resources/"+id+"/actions/"+do.action, key, body, &run); err != nil {
		return nil, err
	}
	err := poll(ctx, 60*time.Second, do.action+" of "+id+" to be done", func() (bool, error) {
		switch run.State {
		case "done":
			return true, nil
		case "failed", "unknown":
			return false, fmt.Errorf("%s of %s is %s: %s", do.action, id, run.State, run.Problem)
		}
		return false, who.get(ctx, "/v1/action-runs/"+run.ID, &run)
	})
	return run.Output, err
}

// gone wants the parts of what was given back to have ended with it.
func (at *provider) gone(ctx context.Context, who *client, id string, before []shown) error {
	left, err := partsBelow(ctx, who, id, false)
	if err != nil {
		return err
	}
	all, err := partsBelow(ctx, who, id, true)
	if err != nil {
		return err
	}
	if at.consists != nil && len(before) == 0 {
		return fmt.Errorf("%s was given back and had no parts", id)
	}
	for _, r := range before {
		if !slices.ContainsFunc(all, func(x shown) bool { return x.ID == r.ID && x.Released != nil }) {
			return fmt.Errorf("the part %s of %s did not end with it", r.ID, id)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%d parts of %s are still there", len(left), id)
	}
	at.sold.ended = len(before)
	return nil
}

// countParts compares, at the end, all parts of the broker with all of the cloud.
func (p *play) countParts(ctx context.Context, at *provider, b *cloudBooks) error {
	cloud, err := at.report(ctx)
	if err != nil {
		return err
	}
	for _, parts := range cloud.Parts {
		b.PartsAtCloud += len(parts)
	}
	err = each(ctx, p.cast.operator, "/v1/resources?parts=true&provider_id="+at.id, func(idOf) error { b.PartsInBroker++; return nil })
	if err != nil {
		return err
	}
	whole := at.consists == nil || b.PartsInBroker > 0 && b.PartActedOn != "" && b.PartsEnded > 0
	if b.PartsAtCloud != b.PartsInBroker || !whole {
		return fmt.Errorf("what was bought consists of %d parts at the cloud, of %d in the broker; %d ended with what was given back", b.PartsAtCloud, b.PartsInBroker, b.PartsEnded)
	}
	return nil
}
