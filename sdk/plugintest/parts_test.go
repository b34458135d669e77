package plugintest_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

// heaper keeps heaps, which consist of as many grains as their id says.
type heaper struct{ bare }

type heaps struct{}

type grains struct{}

type heapState struct{}

func (heaper) Kinds() []*provider.Kind {
	return []*provider.Kind{
		provider.KindOf[heapState, heapState]("heap", "Heap", heaps{}).Of("grain"),
		provider.KindOf[heapState, heapState]("grain", "Grain", grains{}).Manage(),
	}
}

func heap(id string) (provider.Thing[heapState], error) {
	t := provider.Thing[heapState]{ID: id, Status: provider.StatusRunning}
	size, told := strings.CutPrefix(id, "heap-")
	if !told {
		return t, nil
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		return t, err
	}
	t.Parts = []provider.Part{}
	for i := range n {
		p, err := provider.Thing[heapState]{ID: fmt.Sprintf("%s/%d", id, i), Name: "grain", Status: provider.StatusRunning}.Part("grain")
		if err != nil {
			return t, err
		}
		t.Parts = append(t.Parts, p)
	}
	return t, nil
}

func (heaps) Create(_ context.Context, req provider.TypedCreate[heapState]) (provider.Result[heapState], error) {
	t, err := heap(req.Name)
	return provider.Done(t), err
}

func (heaps) Get(_ context.Context, req provider.GetRequest) (provider.Thing[heapState], error) {
	return heap(req.ID)
}

func (heaps) List(_ context.Context, _ provider.ListRequest, yield func(provider.Thing[heapState]) error) error {
	t, err := heap("heap-2")
	if err != nil {
		return err
	}
	return yield(t)
}

func (heaps) FindByToken(_ context.Context, req provider.FindRequest) (provider.TypedFound[heapState], error) {
	t, err := heap(req.Token)
	return provider.TypedFound[heapState]{Things: []provider.Thing[heapState]{t}, Done: true, Settled: true}, err
}

func (grains) Get(_ context.Context, req provider.GetRequest) (provider.Thing[heapState], error) {
	return provider.Thing[heapState]{ID: req.ID, Status: provider.StatusRunning}, nil
}

func (heaper) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	t, err := heap(req.ID)
	return provider.Operation{
		ID: req.ID, State: provider.OperationSucceeded, Resource: &provider.Resource{ID: t.ID, Kind: "heap", Parts: t.Parts},
	}, err
}

// TestPartsTravelAndAreBounded asks in each of the four ways in which parts are told.
func TestPartsTravelAndAreBounded(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, heaper{})
	ctx := t.Context()
	ways := map[string]func(id string) ([]provider.Part, error){
		"Create": func(id string) ([]provider.Part, error) {
			r, err := c.Create(ctx, provider.CreateRequest{Call: call, Kind: "heap", Token: "t", Name: id, Spec: []byte(`{}`)})
			if err != nil {
				return nil, err
			}
			return r.Resource.Parts, nil
		},
		"Get": func(id string) ([]provider.Part, error) {
			r, err := c.Get(ctx, provider.GetRequest{Call: call, Kind: "heap", ID: id})
			return r.Parts, err
		},
		"Find": func(id string) ([]provider.Part, error) {
			f, err := c.FindByToken(ctx, provider.FindRequest{Call: call, Kind: "heap", Token: id, Change: provider.ChangeCreate})
			if err != nil {
				return nil, err
			}
			return f.Resources[0].Parts, nil
		},
		"Operation": func(id string) ([]provider.Part, error) {
			o, err := c.Operation(ctx, provider.OperationRequest{Call: call, ID: id})
			if err != nil {
				return nil, err
			}
			return o.Resource.Parts, nil
		},
	}
	for name, ask := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := []provider.Part{
				{ID: "heap-2/0", Kind: "grain", Name: "grain", Status: provider.StatusRunning, State: []byte(`{}`)},
				{ID: "heap-2/1", Kind: "grain", Name: "grain", Status: provider.StatusRunning, State: []byte(`{}`)},
			}
			if got, err := ask("heap-2"); err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("two parts: %v (-want +got):\n%s", err, cmp.Diff(want, got))
			}
			if got, err := ask("heap-0"); err != nil || got == nil || len(got) != 0 {
				t.Errorf("none: %v, %v; it is told that there is none", got, err)
			}
			if got, err := ask("unknown"); err != nil || got != nil {
				t.Errorf("not told: %v, %v", got, err)
			}
			if got, err := ask(fmt.Sprintf("heap-%d", provider.MaxParts)); err != nil || len(got) != provider.MaxParts {
				t.Errorf("as many as may be: %d, %v", len(got), err)
			}
			_, err := ask(fmt.Sprintf("heap-%d", provider.MaxParts+1))
			unknown := fault.OutcomeOf(err) == fault.OutcomeUnknown
			if !fault.Is(err, fault.ClassInternal) || !strings.Contains(fault.As(err).Message, "501 parts") || unknown != (name == "Create") {
				t.Errorf("too many: %v; want a refusal that says so, and only a change in doubt", err)
			}
		})
	}
}

func TestListsTellNoParts(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, heaper{})
	rows := 0
	err := c.List(t.Context(), provider.ListRequest{Call: call, Kind: "heap"}, func(r provider.Resource) error {
		rows++
		if r.Parts != nil {
			t.Errorf("a row tells %d parts", len(r.Parts))
		}
		return nil
	})
	if err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestPartsAreOfRegisteredKinds(t *testing.T) {
	t.Parallel()
	err := plugintest.Problem(t.Context(), wrong{name: "x", kinds: []*provider.Kind{goodKind().Of("nothing")}})
	if err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("a kind that consists of what is not registered: %v", err)
	}
	if err := plugintest.Problem(t.Context(), heaper{}); err != nil {
		t.Errorf("a good plugin: %v", err)
	}
}
