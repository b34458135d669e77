package main

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/services/bcc/api"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

type none = kinds.None

func instanceKind(p *plugin) *provider.Kind {
	h := instances{p}
	return provider.KindOf[InstanceSpec, InstanceState](kinds.Instance, "Server", h, append(renewer{p, serverThings}.actions(),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStart, Title: "Start", Changes: true}, h.start),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionStop, Title: "Stop", Changes: true}, h.stop),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionReboot, Title: "Reboot", Changes: true}, h.reboot),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResetPassword, Title: "Set password", Changes: true}, h.resetPassword),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionConsole, Title: "Console"}, h.console),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionRename, Title: "Rename", Changes: true}, h.rename),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionResize, Title: "Another size", Changes: true}, h.resize),
		provider.ActionOf(provider.ActionDescription{Name: "to_prepaid", Title: "Pay by the month", Changes: true}, h.toPrepaid),
	)...)
}

// act opens the account for an action and sends its one request.
func act[In any](
	ctx context.Context, p *plugin, req provider.TypedAction[In], send func(*bce.BceClient) error,
) (provider.ActionResult[none], error) {
	c, err := p.openIn(ctx, req.Call)
	if err != nil {
		return provider.ActionResult[none]{}, err
	}
	if err := idOf("server", req.ID); err != nil {
		return provider.ActionResult[none]{}, err
	}
	return provider.ActionResult[none]{}, writeDone(ctx, c, compute, send)
}

// start, like stop, is done when the cloud refuses it and the server is there
// already: a repeat after a lost answer is no mistake.
func (h instances) start(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	out, err := act(ctx, h.plugin, req, func(k *bce.BceClient) error { return api.StartInstance(k, req.ID) })
	return out, h.unlessAt(ctx, err, req.Call, req.ID, provider.StatusStarting, provider.StatusRunning)
}

// unlessAt is err, or nil when it says that the server's state is wrong and the
// state is one of those.
func (h instances) unlessAt(ctx context.Context, err error, call provider.Call, id string, states ...provider.Status) error {
	if !wrongState(err) {
		return err
	}
	c, openErr := h.openIn(ctx, call)
	if openErr != nil {
		return err
	}
	row, readErr := c.instance(ctx, id)
	if readErr != nil || !slices.Contains(states, instanceStatus(string(row.Status))) {
		return err
	}
	return nil
}

func (h instances) stop(ctx context.Context, req provider.TypedAction[kinds.StopInput]) (provider.ActionResult[none], error) {
	out, err := act(ctx, h.plugin, req, func(k *bce.BceClient) error { return server(k).StopInstance(req.ID, req.Input.Force) })
	done := []provider.Status{provider.StatusStopped}
	if !req.Input.Force {
		done = append(done, provider.StatusStopping)
	}
	return out, h.unlessAt(ctx, err, req.Call, req.ID, done...)
}

func (h instances) reboot(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return h.batch(ctx, req.Call, req.ID, func(k *bce.BceClient) (*api.BatchOperationResp, error) {
		return server(k).RebootInstance(req.ID, false)
	})
}

// batch sends a change whose answer lists the servers that it failed for, with
// a good status.
func (h instances) batch(ctx context.Context, call provider.Call, id string, send sender[*api.BatchOperationResp]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, call)
	if err != nil {
		return out, err
	}
	return out, c.batch(ctx, id, send)
}

func (c *cloud) batch(ctx context.Context, id string, send sender[*api.BatchOperationResp]) error {
	if err := idOf("server", id); err != nil {
		return err
	}
	answer, err := write(ctx, c, compute, send)
	if err == nil && slices.Contains(answer.FailedInstanceIdList, id) {
		return fault.Precondition("the cloud did not do it for this server: look at its state").Cloud("failedInstanceIdList", answer.RequestId)
	}
	return err
}

// resetPassword gives the plain password to the SDK, which encrypts it under
// the secret key and writes it back into its arguments: they are used once.
func (h instances) resetPassword(ctx context.Context, req provider.TypedAction[kinds.PasswordInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	if !goodPassword(req.Input.Password.Reveal()) {
		return out, fault.Invalid("input.password", "must be 8 to 16 characters with a letter, a digit and one of %s", symbols)
	}
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	return out, c.hiding(req.Input.Password).batch(ctx, req.ID, func(k *bce.BceClient) (*api.BatchOperationResp, error) {
		return server(k).ChangeInstancePass(req.ID, &api.ChangeInstancePassArgs{AdminPass: req.Input.Password.Reveal()})
	})
}

// symbols are what the cloud takes in passwords besides letters and digits.
const symbols = "!@#$%^*()-_"

func goodPassword(text string) bool {
	var letter, digit, symbol bool
	for _, r := range text {
		switch {
		case r < unicode.MaxASCII && unicode.IsLetter(r):
			letter = true
		case r < unicode.MaxASCII && unicode.IsDigit(r):
			digit = true
		case strings.ContainsRune(symbols, r):
			symbol = true
		default:
			return false
		}
	}
	return letter && digit && symbol && len(text) >= 8 && len(text) <= 16
}

func (h instances) rename(ctx context.Context, req provider.TypedAction[kinds.NameInput]) (provider.ActionResult[none], error) {
	if err := goodName(req.Input.Name); err != nil {
		return provider.ActionResult[none]{}, err
	}
	return act(ctx, h.plugin, req, func(k *bce.BceClient) error {
		return server(k).ModifyInstanceAttribute(req.ID, &api.ModifyInstanceAttributeArgs{Name: req.Input.Name})
	})
}

// console is a pure read, so it is asked again when that helps.
func (h instances) console(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[kinds.Console], error) {
	var out provider.ActionResult[kinds.Console]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if err := idOf("server", req.ID); err != nil {
		return out, err
	}
	answer, err := read(ctx, c, compute, func(k *bce.BceClient) (*api.GetInstanceVNCResult, error) { return api.GetInstanceVNC(k, req.ID) })
	if err != nil {
		return out, err
	}
	out.Output = kinds.Console{Protocol: "url", URL: answer.VNCUrl}
	return out, nil
}

// resize makes a server larger or smaller; it must be stopped. It says what the
// size shall be, so that a repeat after a lost answer finds it done.
func (h instances) resize(ctx context.Context, req provider.TypedAction[kinds.InstanceSize]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.mayResize(ctx, req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.instance(ctx, req.ID)
	if err != nil || row.CpuCount == req.Input.CPU && row.MemoryCapacityInGB*1024 == req.Input.MemoryMB {
		return out, fault.NotDone(err)
	}
	flavour, err := c.sizeLike(ctx, row, req.Input)
	if err != nil {
		return out, fault.NotDone(err)
	}
	return out, writeDone(ctx, c, compute, func(k *bce.BceClient) error {
		return server(k).ResizeInstanceBySpec(req.ID, &api.ResizeInstanceArgs{
			Spec: flavour.Spec, ClientToken: clientToken(req.Token, kinds.Instance, "resize", req.ID),
		})
	})
}

// sizeLike finds the specification of another size, of the same family if there
// is one.
func (c *cloud) sizeLike(ctx context.Context, row instanceRow, size kinds.InstanceSize) (flavourRow, error) {
	rows, err := c.flavourRows(ctx, row.ZoneName)
	if err != nil {
		return flavourRow{}, err
	}
	family, best := "", flavourRow{}
	for _, f := range rows {
		if f.Spec == row.Spec {
			family = f.group
		}
	}
	for _, f := range rows {
		if f.CpuCount != size.CPU || f.MemoryCapacityInGB*1024 != size.MemoryMB || f.GpuCardCount > 0 {
			continue
		}
		if best.Spec == "" || f.group == family && best.group != family {
			best = f
		}
	}
	if best.Spec == "" {
		return best, fault.Invalid("input.cpu", "no specification of %q has these cores and this memory", row.ZoneName)
	}
	return best, nil
}

// Months is how long a server is paid for.
type Months struct {
	Months int `json:"months" required:"true" min:"1" max:"36" title:"Months" doc:"1 to 9, 12, 24 or 36"`
}

// toPrepaid makes a server that is paid by the hour, with the disks that came
// with it, one that is paid for months; one that is already is no mistake.
func (h instances) toPrepaid(ctx context.Context, req provider.TypedAction[Months]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	l, err := renewalOf(provider.Term{Period: provider.PeriodMonth, Periods: req.Input.Months})
	if err != nil {
		return out, fault.Invalid("input.months", "must be 1 to 9, 12, 24 or 36")
	}
	c, err := h.mayResize(ctx, req.Call)
	if err != nil {
		return out, err
	}
	end, err := h.turns.Take(ctx, c.owner()+"\nterm\n"+req.ID)
	if err != nil {
		return out, err
	}
	defer end()
	row, err := c.instance(ctx, req.ID)
	if err != nil || billingOf(row.PaymentTiming) == provider.BillingPrepaid {
		return out, fault.NotDone(err)
	}
	disks, err := c.ownDisks(ctx, req.ID, provider.BillingPostpay)
	if err != nil {
		return out, fault.NotDone(err)
	}
	_, err = write(ctx, c, compute, func(k *bce.BceClient) (*api.ChangeToPrepaidResponse, error) {
		return server(k).ChangeToPrepaid(req.ID, &api.ChangeToPrepaidRequest{Duration: l.months, RelationCds: disks})
	})
	return out, err
}
