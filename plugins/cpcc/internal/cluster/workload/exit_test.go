package workload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream/wsstream"
	"k8s.io/apimachinery/pkg/util/remotecommand"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// kubelet answers as an API with a real kubelet behind it does, which kwok does
// not: a command's exit code comes as a status. The command is "code N", "size"
// or "missing".
type kubelet struct{ pod string }

func (k kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/exec") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.PodList{
			TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"},
			Items:    []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: k.pod}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}},
		})
		return
	}
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{remotecommand.StreamProtocolV5Name: {
		Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel},
	}})
	_, streams, err := conn.Open(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	status := k.run(r.URL.Query()["command"], streams)
	_ = json.NewEncoder(streams[3]).Encode(status)
}

// run does what the command says: streams are input, output, errors, status, sizes.
func (k kubelet) run(command []string, streams []io.ReadWriteCloser) metav1.Status {
	switch command[0] {
	case "code":
		_, _ = fmt.Fprint(streams[1], "right")
		_, _ = fmt.Fprint(streams[2], "wrong")
		if command[1] == "0" {
			return metav1.Status{Status: metav1.StatusSuccess}
		}
		return metav1.Status{
			Status: metav1.StatusFailure, Reason: remotecommand.NonZeroExitCodeReason, Message: "command terminated with non-zero exit code",
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: remotecommand.ExitCodeCauseType, Message: command[1]}}},
		}
	case "size":
		var size struct{ Width, Height uint16 }
		_ = json.NewDecoder(streams[4]).Decode(&size)
		_, _ = fmt.Fprint(streams[1], size.Width, "x", size.Height)
		return metav1.Status{Status: metav1.StatusSuccess}
	}
	return metav1.Status{
		Status: metav1.StatusFailure, Reason: metav1.StatusReasonInternalError,
		Message: `error executing command in container: failed to exec in container: exec: "missing": executable file not found in $PATH`,
	}
}

// stand returns a manager of a cluster that answers by handler.
func stand(t *testing.T, handler http.Handler) *workload.Manager {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: %q, certificate-authority-data: %q}}]\n"+
		"users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n",
		server.URL, base64.StdEncoding.EncodeToString(authority))
	client, err := cluster.Connect(cluster.Config{Kubeconfig: secret.New(config)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return workload.New(workload.Config{Client: client})
}

func TestExitCodesOfARealKubelet(t *testing.T) {
	t.Parallel()
	m := stand(t, kubelet{pod: "p-0"})
	ref := workload.Ref{Cluster: "c", Org: "o", ID: "i", Engine: workload.StatefulSet}
	for _, want := range []int{0, 1, 126, 137, 255} {
		var out, bad bytes.Buffer
		code, err := m.Exec(t.Context(), ref, workload.Terminal{Command: []string{"code", strconv.Itoa(want)}, Stdout: &out, Stderr: &bad})
		if code != want || err != nil || out.String() != "right" || bad.String() != "wrong" {
			t.Errorf("code %d, %v, output %q, errors %q; want code %d", code, err, out.String(), bad.String(), want)
		}
	}
	if _, err := m.Exec(t.Context(), ref, workload.Terminal{Command: []string{"missing"}, Stdout: io.Discard}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("a command that the container does not have: %v", err)
	}
	sizes := make(chan workload.Size, 1)
	sizes <- workload.Size{Width: 132, Height: 50}
	var out bytes.Buffer
	code, err := m.Exec(t.Context(), ref, workload.Terminal{
		Command: []string{"size"}, Stdin: strings.NewReader(""), Stdout: &out, TTY: true,
		Resize: func() (workload.Size, bool) { s, more := <-sizes; return s, more },
	})
	close(sizes)
	if code != 0 || err != nil || out.String() != "132x50" {
		t.Errorf("the window: code %d, %v, %q", code, err, out.String())
	}
}
