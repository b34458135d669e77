package pcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/planetest"
	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wait"
)

// target is a cluster behind a service.
func target(url, kubeconfig string) workload.Target {
	return workload.Target{ClusterID: "k1", Kubeconfig: secret.New(kubeconfig), Service: workload.Service{
		CentreID: "c", URL: url, User: "broker", Password: secret.New(apiPassword),
		Control: workload.Machine{Host: "192.0.2.1", Port: 22, User: "root", Password: secret.New(sshPassword)},
	}}
}

func newClient(t *testing.T) *Client {
	t.Helper()
	c := NewClient()
	t.Cleanup(c.Close)
	return c
}

func instance(id string) workload.Instance {
	return workload.Instance{
		ID: id, OrgID: "org", Name: "web", Replicas: 2, Password: secret.New("marker-login-5f"),
		Spec: workload.Spec{Engine: workload.Deployment, Replicas: 2, Image: "docker.io/ubuntu:22.04", InstanceType: "LinuxOS", User: "ops", RestartPolicy: "Always", PortMode: "NodePort", ServicePort: 80},
		Parts: []price.Part{
			{Type: price.CPU, Model: "STANDARD", Amount: 500, Unit: price.Milli}, {Type: price.Memory, Model: "STANDARD", Amount: 512},
		},
	}
}

func TestAClientWorksByTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, on, in := newClient(t), target(strings.TrimSuffix(w.url, Prefix), string(plane.AdminConfig())), instance("client-"+t.Name())
	// Pods on the node of another test would stay when that is taken away.
	in.Spec.NodeSelector = "pool=client"
	plane.AddNode(t, planetest.Node{Labels: map[string]string{"pool": "client"}})
	for range 2 { // told twice
		if err := c.Apply(t.Context(), on, in); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(done func(workload.Seen) bool) {
		t.Helper()
		_, err := wait.Until(t.Context(), wait.Config{Every: 50 * time.Millisecond, Timeout: time.Minute}, func(ctx context.Context) (workload.Seen, error) {
			return c.Observe(ctx, on, in)
		}, func(s workload.Seen) (bool, error) { return done(s), nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	runs(func(s workload.Seen) bool { return s.Exists && s.Ready == 2 && s.Wanted == 2 })
	verdicts, err := c.Fits(t.Context(), on, []workload.Need{{Parts: in.Parts}, {Parts: []price.Part{{Type: price.CPU, Model: "STANDARD", Amount: 100_000}}}})
	if err != nil || len(verdicts) != 2 || !verdicts[0].OK || verdicts[1].OK {
		t.Errorf("what fits: %+v, %v", verdicts, err)
	}
	for range 2 { // removed twice
		_, err := wait.Until(t.Context(), wait.Config{Every: 50 * time.Millisecond, Timeout: time.Minute}, func(ctx context.Context) (bool, error) {
			return c.Remove(ctx, on, in)
		}, func(gone bool) (bool, error) { return gone, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	runs(func(s workload.Seen) bool { return !s.Exists && s.Reason == "NoPods" })
	if log := w.log.String(); strings.Contains(log, "marker-") {
		t.Errorf("the log: %s", log)
	}
}

func TestAClientKeepsNodesByTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, on, ctx := newClient(t), target(strings.TrimSuffix(w.url, Prefix), string(plane.AdminConfig())), t.Context()
	name := plane.AddNode(t, planetest.Node{}).Name
	row := func() (out board.NodeRow) {
		w.Helper()
		if err := c.Nodes(ctx, on, func(r board.NodeRow) error {
			if r.Name == name {
				out = r
			}
			return nil
		}); err != nil {
			w.Fatal(err)
		}
		return out
	}
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	must(c.Label(ctx, on, name, "kyy-gpu", "true", false))
	must(c.Cordon(ctx, on, name, true))
	if r := row(); r.Status != "Ready,SchedulingDisabled" || !slices.Contains(r.Labels, "kyy-gpu=true") {
		w.Errorf("the node: %+v", r)
	}
	must(c.Label(ctx, on, name, "kyy-gpu", "true", true))
	must(c.Cordon(ctx, on, name, false))
	if r := row(); r.Status != "Ready" || slices.Contains(r.Labels, "kyy-gpu=true") {
		w.Errorf("the node: %+v", r)
	}
	_, _, err := c.Drain(ctx, on, name, true, 20*time.Second)
	must(err)
	must(c.RemoveNode(ctx, on, name, true, 0))
	if r := row(); r.Name != "" {
		w.Errorf("the node is still there: %+v", r)
	}
	must(c.RemoveNode(ctx, on, name, true, 0)) // again
}

func TestHowAServiceFails(t *testing.T) {
	t.Parallel()
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body) // the caller may have left
		}
	}
	for name, tc := range map[string]struct {
		answer          http.HandlerFunc
		read, apply     fault.Class
		change          fault.Class
		applied, labels fault.Outcome
		reason          string
	}{
		"refused": {says(200, failed), fault.ClassUnavailable, fault.ClassPrecondition, fault.ClassPrecondition, fault.OutcomeNotDone, fault.OutcomeUnknown, "a refused apply is removed by who asked for it"},
		"no user": {says(401, ""), fault.ClassUnauthenticated, fault.ClassUnauthenticated, fault.ClassUnauthenticated, fault.OutcomeNotDone, fault.OutcomeNotDone, "nobody was let in"},
		"missing": {says(404, ""), fault.ClassUnsupported, fault.ClassUnsupported, fault.ClassUnsupported, fault.OutcomeNotDone, fault.OutcomeNotDone, "a service without the endpoint"},
		"broken":  {says(502, "<html>"), fault.ClassUnavailable, fault.ClassUnavailable, fault.ClassUnavailable, fault.OutcomeUnknown, fault.OutcomeUnknown, "a proxy may have passed it on"},
		"garbled": {says(200, "{"), fault.ClassUnavailable, fault.ClassUnavailable, fault.ClassUnavailable, fault.OutcomeUnknown, fault.OutcomeUnknown, "what is not read may have happened"},
		"empty":   {says(200, "{}"), fault.ClassUnavailable, fault.ClassUnavailable, fault.ClassUnavailable, fault.OutcomeUnknown, fault.OutcomeUnknown, "an answer without a status"},
		"endless": {says(200, strings.Repeat(" ", mostAnswer+1)), fault.ClassUnavailable, fault.ClassUnavailable, fault.ClassUnavailable, fault.OutcomeUnknown, fault.OutcomeUnknown, "answers are bounded"},
		"cut off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.ClassUnavailable, fault.ClassUnavailable, fault.ClassUnavailable, fault.OutcomeUnknown, fault.OutcomeUnknown, "the answer got lost"},
		"moved": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, fault.ClassPrecondition, fault.ClassPrecondition, fault.ClassPrecondition,
			fault.OutcomeNotDone, fault.OutcomeNotDone, "secrets go to nobody else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tc.answer)
			t.Cleanup(srv.Close)
			c, on := newClient(t), target(srv.URL, "marker-kubeconfig-77")
			read := c.Pods(t.Context(), on, func(board.PodRow) error { return nil })
			apply, change := c.Apply(t.Context(), on, instance("w")), c.Label(t.Context(), on, "n", "a", "b", false)
			for what, x := range map[string]struct {
				err  error
				want fault.Class
			}{"reading": {read, tc.read}, "applying": {apply, tc.apply}, "labelling": {change, tc.change}} {
				if !fault.Is(x.err, x.want) || strings.Contains(x.err.Error(), "marker-") || strings.Contains(x.err.Error(), srv.URL) {
					t.Errorf("%s: %v; want %s (%s)", what, x.err, x.want, tc.reason)
				}
			}
			if fault.OutcomeOf(apply) != tc.applied || fault.OutcomeOf(change) != tc.labels {
				t.Errorf("the outcomes are %v and %v (%s)", fault.OutcomeOf(apply), fault.OutcomeOf(change), tc.reason)
			}
		})
	}
}

func TestWhereQuestionsGo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		url   string
		plain bool
		want  string // "": refused
	}{
		"encrypted":             {"https://centre.example/base/", false, "https://centre.example/base" + Prefix + "x?"},
		"this machine":          {"http://127.0.0.1:8091", false, "http://127.0.0.1:8091" + Prefix + "x?"},
		"open":                  {"http://centre.example", false, ""},
		"open, as was allowed":  {"http://centre.example", true, "http://centre.example" + Prefix + "x?"},
		"looks like a loopback": {"http://127.0.0.1.centre.example", false, ""},
		"no web address":        {"ftp://centre.example", true, ""},
	} {
		got, err := address(workload.Service{URL: tc.url, Plain: tc.plain}, question{endpoint: "x"})
		if strings.TrimSuffix(got, "?") != strings.TrimSuffix(tc.want, "?") || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	nobody := target("http://127.0.0.1:1", "")
	err := newClient(t).Label(t.Context(), nobody, "n", "a", "b", false)
	if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != fault.OutcomeNotDone {
		t.Errorf("a service that does not listen: %v", err)
	}
}

func TestWhatTheWireCannotSay(t *testing.T) {
	t.Parallel()
	c, on := newClient(t), target("http://127.0.0.1:1", "")
	for name, change := range map[string]func(*workload.Instance){
		"command":  func(in *workload.Instance) { in.Spec.Command = []string{"sh"} },
		"schedule": func(in *workload.Instance) { in.Spec.Engine = workload.CronJob },
		"restart":  func(in *workload.Instance) { in.Restart = 1 },
		"host":     func(in *workload.Instance) { in.Spec.Host = "a.example" },
		"retain":   func(in *workload.Instance) { in.Spec.RetainVolumes = true },
		"stop":     func(in *workload.Instance) { in.Spec.Engine, in.Replicas = workload.Job, 0 },
	} {
		in := instance("w")
		change(&in)
		if err := c.Apply(t.Context(), on, in); !fault.Is(err, fault.ClassUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := c.Fits(t.Context(), on, []workload.Need{{Labels: []string{"a=b"}}})
	_, _, drain := c.Drain(t.Context(), on, "n", false, time.Second)
	_, logs := c.Logs(t.Context(), on, instance("w"), workload.LogRequest{})
	for _, err := range []error{err, drain, logs, c.Models(t.Context(), on, "n", "a", "b")} {
		if !fault.Is(err, fault.ClassUnsupported) {
			t.Error(err)
		}
	}
}

// TestWhatIsSeenOnTheWay asks over TLS with all parameters in the body: neither the
// address nor a header but the sign-in's holds any.
func TestWhatIsSeenOnTheWay(t *testing.T) {
	t.Parallel()
	var seen []string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Authorization")
		body, err := io.ReadAll(r.Body)
		seen = append(seen, fmt.Sprint(r.Method, " ", r.RequestURI, r.Header))
		if err != nil || !strings.Contains(string(body), `"psssword":"`+sshPassword+`"`) && !strings.Contains(string(body), "marker-kubeconfig") {
			t.Errorf("%s: the body lacks what was sent", r.RequestURI)
		}
		_, _ = io.WriteString(w, failed) // the caller may have left
	}))
	t.Cleanup(srv.Close)
	c, on := newClient(t), target(srv.URL, "marker-kubeconfig-77")
	on.Service.Body = true
	if err := c.Cordon(t.Context(), on, "n", true); !fault.Is(err, fault.ClassUnavailable) {
		t.Errorf("a service with a certificate that nobody vouches for: %v", err)
	}
	c.http.Transport = srv.Client().Transport
	_, _, _ = c.Members(t.Context(), on.Service)
	_, _ = c.NewCluster(t.Context(), on.Service, "k1")
	_, _ = c.NewWorker(t.Context(), on.Service, "k1", on.Service.Control, secret.New("marker-join"))
	_ = c.Apply(t.Context(), on, instance("w"))
	if len(seen) != 4 {
		t.Fatalf("%d were asked: %v", len(seen), seen)
	}
	for _, line := range seen {
		if strings.Contains(line, "marker-") || strings.Contains(line, "?") || !strings.HasPrefix(line, "POST ") {
			t.Errorf("on the way: %s", line)
		}
	}
}

func TestAnswersToWorksOnMachines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, join string
		config     string // "": unreadable, with an unknown outcome
	}{
		"as the API has it":  {"kubeadm join a --token b\napiVersion: v1\nkind: Config\n", "kubeadm join a --token b", "apiVersion: v1\nkind: Config\n"},
		"over several lines": {"kubeadm join a \\\n  --token b\n\napiVersion: v1\n", "kubeadm join a \\\n  --token b", "apiVersion: v1\n"},
		"something before":   {"welcome\napiVersion: v1\n", "", "apiVersion: v1\n"},
		"a kubeconfig alone": {"apiVersion: v1\n", "", "apiVersion: v1\n"},
		"a command alone":    {"kubeadm join a --token b", "", ""},
		"nothing":            {"", "", ""},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(envelope{Status: true, Info: done, Data: tc.text}) // the caller may have left
		}))
		made, err := newClient(t).NewCluster(t.Context(), target(srv.URL, "").Service, "k1")
		srv.Close()
		if made.Join.Reveal() != tc.join || made.Kubeconfig.Reveal() != tc.config {
			t.Errorf("%s: %q and %q", name, made.Join.Reveal(), made.Kubeconfig.Reveal())
		}
		if (err == nil) != (tc.config != "") || err != nil && fault.OutcomeOf(err) != fault.OutcomeUnknown {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestASlowServiceIsNotWaitedForForever asks a service that does not answer: each
// question has a deadline, and a change that has met it may have happened.
func TestASlowServiceIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	ends := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ends }))
	t.Cleanup(func() { close(ends); srv.Close() })
	s := target(srv.URL, "").Service
	for name, tc := range map[string]struct {
		changes bool
		want    fault.Outcome
	}{"a question": {false, fault.OutcomeNotDone}, "a change": {true, fault.OutcomeUnknown}} {
		_, err := newClient(t).ask(t.Context(), s, question{endpoint: "x", changes: tc.changes, time: 50 * time.Millisecond})
		if !fault.Is(err, fault.ClassUnavailable) || fault.OutcomeOf(err) != tc.want || strings.Contains(err.Error(), srv.URL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if machineTime <= requestTime {
		t.Error("a client gives up before the service does")
	}
}
