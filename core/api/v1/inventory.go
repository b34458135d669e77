package v1

import (
	"context"
	"net/http"
	"strings"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/inventory"
	"tradewind.example/sdk/fault"
)

// InventoryThing is one thing that an account's own people keep at its provider.
type InventoryThing struct {
	ID        string     `json:"id" doc:"The plugin's id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name,omitempty"`
	Region    string     `json:"region,omitempty"`
	Zone      string     `json:"zone,omitempty"`
	Status    string     `json:"status,omitempty" doc:"In words shared by all clouds"`
	RawStatus string     `json:"raw_status,omitempty" doc:"The plugin's own word"`
	Created   *time.Time `json:"created,omitempty"`
	State     any        `json:"state,omitempty" doc:"By the kind's state schema"`
	Operation string     `json:"operation,omitempty" doc:"The change that is under way"`
	Output    any        `json:"output,omitempty" doc:"Of an action"`
}

// InventoryOperation is how far a change of an inventory is.
type InventoryOperation struct {
	ID       string          `json:"id"`
	State    string          `json:"state" enum:"running,succeeded,failed"`
	Progress int             `json:"progress,omitempty" doc:"Percent"`
	Message  string          `json:"message,omitempty"`
	Problem  string          `json:"problem,omitempty" doc:"Why it failed"`
	Class    string          `json:"class,omitempty" doc:"Fault class of the problem"`
	Thing    *InventoryThing `json:"thing,omitempty"`
}

// InventoryPlace is the path of a kind of an inventory.
type InventoryPlace struct {
	ByID
	Kind   string `path:"kind" minLength:"1" maxLength:"64" doc:"One that the plugin declares as managed"`
	Region string `query:"region" maxLength:"128"`
	Zone   string `query:"zone" maxLength:"128"`
}

func (k InventoryPlace) place() inventory.Place {
	return inventory.Place{EnablementID: k.ID, Kind: k.Kind, Region: k.Region, Zone: k.Zone}
}

type listInventory struct {
	InventoryPlace
	api.Paging
	Filter []string `query:"filter,explode" maxItems:"8" doc:"field:value, of the state's top level"`
}

// InventoryPath is the path of one thing of an inventory.
type InventoryPath struct {
	InventoryPlace
	Thing string `path:"thing" minLength:"1" maxLength:"512" doc:"The plugin's id; / in it is written %2F"`
}

type makeInventory struct {
	InventoryPlace
	api.Key
	Body struct {
		Name string         `json:"name,omitempty" maxLength:"256"`
		Spec map[string]any `json:"spec" doc:"By the kind's spec schema"`
	}
}

type changeInventory struct {
	InventoryPath
	api.Key
	Body struct {
		Spec map[string]any `json:"spec" doc:"By the kind's spec schema; secrets that are left out stay"`
	}
}

type deleteInventory struct {
	InventoryPath
	api.Key
}

type actOnInventory struct {
	InventoryPath
	api.Key
	Action string `path:"action" minLength:"1" maxLength:"64"`
	Body   struct {
		Input map[string]any `json:"input,omitempty" doc:"By the action's input schema"`
	}
}

type askInventoryOperation struct {
	ByID
	Operation string `query:"operation" maxLength:"1024" doc:"As the change answered it; required"`
}

// unoffered are the faults of what a plugin does not offer of a kind.
func unoffered() []fault.Class { return []fault.Class{fault.ClassUnsupported} }

func bindInventory(s *api.Server, svc Services) {
	const tag, path = "Inventory", "/v1/enablements/{id}/inventory/{kind}"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path, ID: "list-inventory", Tag: tag, Summary: "List what an account's own people keep at its provider",
		Detail: "Sorted by id or by a field of the kind's state; without sort in the plugin's own order.",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *listInventory) (*api.ListOut[InventoryThing], error) {
		filter, err := filterOf(in.Filter)
		if err != nil {
			return nil, err
		}
		p, err := svc.Inventory.List(ctx, c, inventory.ListInput{At: in.place(), Filter: filter, Sort: in.By(), Reverse: in.Down(), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, inventoryOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/{thing}", ID: "get-inventory", Tag: tag, Summary: "Read one thing of an inventory",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *InventoryPath) (*One[InventoryThing], error) {
		return inventoryAnswer(svc.Inventory.Get(ctx, c, in.place(), in.Thing))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/enablements/{id}/operation", ID: "get-inventory-operation", Tag: tag, Summary: "Ask how far a change is",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *askInventoryOperation) (*One[InventoryOperation], error) {
		op, err := svc.Inventory.Operation(ctx, c, in.ID, in.Operation)
		if err != nil {
			return nil, err
		}
		out := InventoryOperation{ID: op.ID, State: string(op.State), Progress: op.Progress, Message: op.Message}
		if op.Failure != nil {
			out.Problem, out.Class = fault.As(op.Failure).Message, fault.ClassOf(op.Failure).String()
		}
		if op.Resource != nil {
			thing := inventoryOf(inventory.Thing{Resource: *op.Resource})
			out.Thing = &thing
		}
		return &One[InventoryOperation]{out}, nil
	})
	bindInventoryChanges(s, svc, tag, path)
}

func bindInventoryChanges(s *api.Server, svc Services, tag, path string) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path, ID: "create-inventory", Tag: tag, Status: http.StatusCreated, Summary: "Add a thing to an inventory",
		Detail: "For kinds that are not sold. The spec goes to the plugin and is not stored here.",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *makeInventory) (*One[InventoryThing], error) {
		spec, err := raw(in.Body.Spec)
		if err != nil {
			return nil, err
		}
		return inventoryAnswer(svc.Inventory.Create(ctx, c, inventory.ChangeInput{At: in.place(), Name: in.Body.Name, Spec: spec, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: path + "/{thing}", ID: "update-inventory", Tag: tag, Summary: "Change a thing of an inventory",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *changeInventory) (*One[InventoryThing], error) {
		spec, err := raw(in.Body.Spec)
		if err != nil {
			return nil, err
		}
		return inventoryAnswer(svc.Inventory.Update(ctx, c, inventory.ChangeInput{At: in.place(), ID: in.Thing, Spec: spec, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: path + "/{thing}", ID: "delete-inventory", Tag: tag, Summary: "Remove a thing of an inventory",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *deleteInventory) (*One[InventoryThing], error) {
		return inventoryAnswer(svc.Inventory.Delete(ctx, c, inventory.ChangeInput{At: in.place(), ID: in.Thing, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path + "/{thing}/actions/{action}", ID: "act-on-inventory", Tag: tag, Summary: "Perform an action of a thing of an inventory",
		Faults: unoffered(),
	}, func(ctx context.Context, c access.Caller, in *actOnInventory) (*One[InventoryThing], error) {
		input, err := raw(in.Body.Input)
		if err != nil {
			return nil, err
		}
		return inventoryAnswer(svc.Inventory.Act(ctx, c, inventory.ChangeInput{At: in.place(), ID: in.Thing, Action: in.Action, Input: input, IdempotencyKey: in.IdempotencyKey}))
	})
}

// filterOf reads field:value pairs.
func filterOf(pairs []string) (map[string]string, error) {
	out := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		field, value, ok := strings.Cut(pair, ":")
		if !ok || field == "" {
			return nil, fault.Invalid("filter", "must be written field:value")
		}
		out[field] = value
	}
	return out, nil
}

func inventoryAnswer(t inventory.Thing, err error) (*One[InventoryThing], error) {
	if err != nil {
		return nil, err
	}
	return &One[InventoryThing]{inventoryOf(t)}, nil
}

func inventoryOf(t inventory.Thing) InventoryThing {
	return InventoryThing{
		ID: t.ID, Kind: t.Kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: string(t.Status), RawStatus: t.RawStatus,
		Created: when(t.Created), State: object(t.State), Operation: t.Operation, Output: object(t.Output),
	}
}
