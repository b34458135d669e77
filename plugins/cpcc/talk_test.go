package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/conformance"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wait"
)

// commands are what the simulated cluster's containers can run.
func commands() *conformance.Commands {
	return &conformance.Commands{Exit: []string{"exit"}, Code: 5, Says: "bye", Echo: []string{"cat"}, Flood: []string{"yes"}}
}

// Await sees nothing but of the workload named watched, which is at rest.
func (f *fakeCluster) Await(ctx context.Context, _ workload.Target, in workload.Instance) error {
	if in.Name == "watched" {
		return nil
	}
	if in.Name == "waited for" {
		f.set(func() { f.watched++ })
		select {
		case <-f.rest:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fault.Unsupported("nobody looks")
}

// Stream says three lines, and stays when it is followed.
func (f *fakeCluster) Stream(ctx context.Context, _ workload.Target, in workload.Instance, req workload.LogStream, out io.Writer) error {
	lines := 3
	if req.Tail > 0 {
		lines = min(lines, req.Tail)
	}
	for i := range lines {
		if _, err := fmt.Fprintf(out, "%s %s %d\n", in.Name, req.Pod, i); err != nil {
			return err
		}
	}
	if req.Follow {
		<-ctx.Done()
	}
	return nil
}

// Console runs one of the commands.
func (f *fakeCluster) Console(_ context.Context, _ workload.Target, _ workload.Instance, req workload.Session, t provider.Terminal) (int, error) {
	if len(req.Command) == 0 {
		_, err := fmt.Fprintf(t.Out, "shell %v %v", req.Terminal, <-t.Sizes)
		return 0, err
	}
	switch req.Command[0] {
	case "exit":
		_, err := io.WriteString(t.Out, "bye\n")
		return 5, err
	case "cat":
		_, err := io.Copy(t.Out, t.In)
		return 0, err
	case "yes":
		for part := bytes.Repeat([]byte("y\n"), 1000); ; {
			if _, err := t.Out.Write(part); err != nil {
				return 0, err
			}
		}
	}
	return 0, fault.Precondition("there is no %q", req.Command[0])
}

// TestAShellIsWhatRunsByItself: without a command, with the window's size.
func TestAShellIsWhatRunsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	bought := w.make(kindWorkload, w.call(), smallSpec).ID
	var out bytes.Buffer
	code, err := w.Console(t.Context(), provider.ConsoleRequest{
		Call: w.call(), Kind: kindWorkload, ID: bought, Terminal: true, Size: provider.WindowSize{Columns: 100, Rows: 40},
	}, nil, func(o provider.ConsoleOutput) error { out.Write(o.Data); return nil })
	if err != nil || code != 0 || out.String() != "shell true {100 40}" {
		t.Errorf("code %d, %q, %v", code, out.String(), err)
	}
}

// TestNewsOfAWorkloadAreTold: the broker need not ask when a create is done.
func TestNewsOfAWorkloadAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	c, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: "t-1", Kind: kindWorkload, Name: "watched", Spec: []byte(smallSpec), Term: month(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	late := time.After(5 * time.Second)
	for len(w.host.Events()) == 0 {
		select {
		case <-late:
			t.Fatal("nothing is told")
		case <-time.After(time.Millisecond):
		}
	}
	told := w.host.Events()[0]
	operation, err := told.Event.Operation()
	if err != nil || operation != c.Operation || told.Scope.RootOrg != "root" || told.Event.Cursor == "" {
		t.Errorf("told %+v of %q, %v; the create's is %q", told, operation, err, c.Operation)
	}
}

// TestNewsAreToldByWhoTakesUp: the process that told the cluster has ended, and the
// one that is asked about its operation watches in its place, once.
func TestNewsAreToldByWhoTakesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	w.cluster.set(func() { w.cluster.rest = make(chan struct{}) })
	c, err := w.Create(t.Context(), provider.CreateRequest{
		Call: w.call(), Token: "t-1", Kind: kindWorkload, Name: "waited for", Spec: []byte(smallSpec), Term: month(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cluster.set(func() { w.cluster.starts = true })
	next := w.another()
	for range 3 {
		op, err := next.Operation(t.Context(), provider.OperationRequest{Call: w.call(), ID: c.Operation})
		if err != nil || op.State != provider.OperationRunning {
			t.Fatalf("%+v, %v", op, err)
		}
	}
	watched := func(context.Context) (n int, err error) {
		w.cluster.set(func() { n = w.cluster.watched })
		return n, nil
	}
	_, err = wait.Until(t.Context(), wait.Config{Every: 5 * time.Millisecond, Timeout: 20 * time.Second}, watched, func(n int) (bool, error) { return n >= 2, nil })
	if n, _ := watched(t.Context()); err != nil || n != 2 { // one of each process
		t.Errorf("%d watch, %v", n, err)
	}
	close(w.cluster.rest)
	_, err = wait.Until(t.Context(), wait.Config{Every: 5 * time.Millisecond, Timeout: 20 * time.Second}, func(context.Context) (int, error) {
		return len(w.host.Events()), nil
	}, func(n int) (bool, error) { return n > 0, nil })
	if err != nil {
		t.Errorf("nothing is told: %v", err)
	}
}
