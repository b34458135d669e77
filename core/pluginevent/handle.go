package pluginevent

import (
	"context"
	"encoding/json"
	"fmt"

	"tradewind.example/core/store"
	"tradewind.example/core/store/outbox"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Encode is an event as [Service.Handle] reads it.
func Encode(e Event) ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fault.Internal(err, "an event of plugin %q cannot be encoded", e.Plugin)
	}
	return raw, nil
}

// Handle is the outbox's handler of events. It calls no plugin. The same events
// again hasten again, which changes nothing that matters.
func (s *Service) Handle(ctx context.Context, list []outbox.Event) error {
	events := make([]Event, len(list))
	for i, raw := range list {
		if err := json.Unmarshal(raw.Payload, &events[i]); err != nil {
			return fault.Internal(err, "event %d of plugins cannot be read", raw.Seq)
		}
	}
	var results []Result
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		results = results[:0]
		h := &handling{s: s, tx: tx, providers: map[[2]string][]string{}}
		for _, e := range events {
			r, err := h.take(e)
			if err != nil {
				return fmt.Errorf("taking event %q of plugin %q: %w", e.Cursor, e.Plugin, err)
			}
			results = append(results, r)
		}
		tx.OnCommit(s.tell)
		return nil
	})
	if err != nil {
		return err
	}
	for i, r := range results {
		s.cfg.Count(events[i].Plugin, typeOf(events[i].Event), r)
	}
	return nil
}

// handling is one transaction that takes events.
type handling struct {
	s         *Service
	tx        store.Tx
	providers map[[2]string][]string // by plugin and root org, as read so far
}

func (h *handling) take(e Event) (Result, error) {
	switch e.Type {
	case contract.EventOperationChanged:
		return h.operation(e)
	case contract.EventResourceChanged:
		return h.resource(e)
	}
	return ResultInformation, nil
}

func (h *handling) operation(e Event) (Result, error) {
	op, err := e.Operation()
	if err != nil || len(op) > contract.MaxStorageKey {
		return ResultRefused, nil //nolint:nilerr // the plugin's mistake is counted
	}
	found, busy, err := h.s.hasten(h.tx, e.Plugin, e.RootOrg, op)
	switch {
	case err != nil:
		return "", err
	case found == 0:
		return ResultUnknown, nil
	case busy:
		return ResultKept, h.s.keep(h.tx, task{Plugin: e.Plugin, Kind: taskOperation, RootOrg: e.RootOrg, ID: op})
	}
	return ResultHastened, nil
}

// hasten asks every waiter.
func (s *Service) hasten(tx store.Tx, plugin, rootOrg, operation string) (found int, busy bool, err error) {
	for _, w := range s.cfg.Waiters {
		n, b, err := w.HastenTx(tx, plugin, rootOrg, operation)
		if err != nil {
			return 0, false, err
		}
		found, busy = found+n, busy || b
	}
	return found, busy, nil
}

func (h *handling) resource(e Event) (Result, error) {
	if e.Kind == "" || e.ResourceID == "" {
		return ResultRefused, nil
	}
	providers, err := h.providersOf(e.Plugin, e.RootOrg)
	if err != nil {
		return "", err
	}
	result := ResultUnknown
	for _, p := range providers {
		holders, err := h.s.cfg.Resources.HoldersTx(h.tx, p, e.Kind, e.ResourceID)
		if err != nil {
			return "", err
		}
		for _, id := range holders {
			result = ResultKept
			if err := h.s.keep(h.tx, task{Plugin: e.Plugin, Kind: taskResource, RootOrg: e.RootOrg, ID: id}); err != nil {
				return "", err
			}
		}
	}
	return result, nil
}

func (h *handling) providersOf(plugin, rootOrg string) ([]string, error) {
	key := [2]string{plugin, rootOrg}
	if known, ok := h.providers[key]; ok {
		return known, nil
	}
	list, err := h.s.cfg.ProvidersTx(h.tx, plugin, rootOrg)
	h.providers[key] = list
	return list, err
}
