package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/sdk/fault"
)

// MostLogBytes bounds a log that is not followed.
const MostLogBytes = 8 << 20

// LogOptions says which log and how much of it.
type LogOptions struct {
	Pod        string // "": the first one that has begun
	Container  string // "": the workload's own
	Tail       int    // last lines; 0: all, up to MostLogBytes
	Since      time.Time
	Timestamps bool
	Follow     bool // until ctx ends or the container does
	Previous   bool // the container before its last restart
}

// Logs copies a container's output to w.
func (m *Manager) Logs(ctx context.Context, r Ref, o LogOptions, w io.Writer) error {
	pod, err := m.pod(ctx, r, o.Pod)
	if err != nil {
		return err
	}
	opts := &corev1.PodLogOptions{Container: containerOf(o.Container), Follow: o.Follow, Previous: o.Previous, Timestamps: o.Timestamps}
	if o.Tail > 0 {
		n := int64(o.Tail)
		opts.TailLines = &n
	}
	if !o.Since.IsZero() {
		since := metav1.NewTime(o.Since)
		opts.SinceTime = &since
	}
	if !o.Follow {
		n := int64(MostLogBytes)
		opts.LimitBytes = &n
	}
	log, err := m.client.Streams().CoreV1().Pods(r.Namespace()).GetLogs(pod, opts).Stream(ctx)
	if err != nil {
		return cluster.Fault(err)
	}
	defer func() { _ = log.Close() }()
	if _, err := io.Copy(w, log); err != nil && ctx.Err() == nil {
		return cluster.Fault(err)
	}
	return nil
}

// containerOf names a container; "" is the workload's own.
func containerOf(name string) string {
	if name == "" {
		return container
	}
	return name
}

// pod names one pod of the workload. A name given must be one of them: a
// customer reaches no neighbour's pod.
func (m *Manager) pod(ctx context.Context, r Ref, name string) (string, error) {
	list, err := m.client.Kube().CoreV1().Pods(r.Namespace()).List(ctx, metav1.ListOptions{LabelSelector: r.labelQuery(), Limit: MostReplicas})
	if err != nil {
		return "", cluster.Fault(err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range list.Items {
		begun := p.Status.Phase != corev1.PodPending
		if p.Name == name || name == "" && begun {
			return p.Name, nil
		}
	}
	if name == "" {
		return "", fault.Precondition("no pod of the workload has begun: wait until it runs")
	}
	return "", fault.NotFound("pod", name)
}

// Terminal is one exec session. Nil streams are not connected.
type Terminal struct {
	Pod       string // "": the first one that has begun
	Container string // "": the workload's own
	Command   []string
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer // nil with TTY
	TTY       bool
	// Resize waits for the window's next size; false: there is none any more. TTY
	// only.
	Resize func() (Size, bool)
}

// Size of a terminal in letters.
type Size struct{ Width, Height uint16 }

type resizes func() (Size, bool)

// Next implements remotecommand.TerminalSizeQueue.
func (r resizes) Next() *remotecommand.TerminalSize {
	s, open := r()
	if !open {
		return nil
	}
	return &remotecommand.TerminalSize{Width: s.Width, Height: s.Height}
}

// notRun is how a kubelet's error begins whose command did not run. The library
// makes plain texts of such errors.
const notRun = "error executing command in container"

// Exec runs a command in a container over a WebSocket until it ends or ctx
// does, and returns its exit code.
func (m *Manager) Exec(ctx context.Context, r Ref, t Terminal) (code int, err error) {
	if len(t.Command) == 0 {
		return 0, fault.Invalid("input.command", "must not be empty")
	}
	pod, err := m.pod(ctx, r, t.Pod)
	if err != nil {
		return 0, err
	}
	url := m.client.Streams().CoreV1().RESTClient().Get().Namespace(r.Namespace()).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: containerOf(t.Container), Command: t.Command, TTY: t.TTY,
			Stdin: t.Stdin != nil, Stdout: t.Stdout != nil, Stderr: t.Stderr != nil && !t.TTY,
		}, scheme.ParameterCodec).URL()
	run, err := remotecommand.NewWebSocketExecutor(m.client.REST(), "GET", url.String())
	if err != nil {
		return 0, cluster.Fault(err)
	}
	opts := remotecommand.StreamOptions{Stdin: t.Stdin, Stdout: t.Stdout, Tty: t.TTY}
	if !t.TTY {
		opts.Stderr = t.Stderr
	}
	if t.TTY && t.Resize != nil {
		opts.TerminalSizeQueue = resizes(t.Resize)
	}
	err = run.StreamWithContext(ctx, opts)
	var exit exec.CodeExitError
	switch {
	case errors.As(err, &exit):
		return exit.Code, nil
	case ctx.Err() != nil:
		return 0, fault.Unavailable("the console was closed").With(ctx.Err())
	case err != nil && strings.Contains(err.Error(), notRun):
		return 0, fault.Precondition("the command cannot be run in the container: is it there?").With(err).From(fault.SourceCloud)
	}
	return 0, cluster.Fault(err)
}

// Event is one thing that happened to a workload.
type Event struct {
	Warning bool
	Reason  string
	Message string
	About   string // "Pod/w…-0"
	Count   int
	Last    time.Time
}

// mostEvents bounds the events of a namespace that are looked through.
const mostEvents = 5000

// Events returns the newest events of a workload and its pods, the newest
// first, at most limit (1 to 500).
func (m *Manager) Events(ctx context.Context, r Ref, limit int) ([]Event, error) {
	if limit < 1 || limit > 500 {
		return nil, fault.Invalid("input.limit", "must be 1 to 500")
	}
	var out []Event
	opts := metav1.ListOptions{Limit: 500}
	for seen := 0; seen < mostEvents; {
		list, err := m.client.Kube().CoreV1().Events(r.Namespace()).List(ctx, opts)
		if err != nil {
			return nil, cluster.Fault(err)
		}
		for _, e := range list.Items {
			if strings.HasPrefix(e.InvolvedObject.Name, r.Name()) {
				out = append(out, event(&e))
			}
		}
		seen += len(list.Items)
		if opts.Continue = list.Continue; opts.Continue == "" {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return b.Last.Compare(a.Last) })
	return out[:min(len(out), limit)], nil
}

func event(e *corev1.Event) Event {
	last := e.LastTimestamp.Time
	if last.IsZero() {
		last = e.EventTime.Time
	}
	return Event{
		Warning: e.Type == corev1.EventTypeWarning, Reason: e.Reason, Message: e.Message,
		About: fmt.Sprintf("%s/%s", e.InvolvedObject.Kind, e.InvolvedObject.Name),
		Count: max(int(e.Count), 1), Last: last.UTC(),
	}
}
