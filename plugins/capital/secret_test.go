package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// echo is a cloud that says everything back that it is told, with the secret key
// and the signed query, under the status of the turn.
func echo(t *testing.T, status <-chan int) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Action") == "DescribeRegions" {
			_, _ = io.WriteString(rw, `{"Code":"Success","Data":[{"RegionList":[{"RegionCode":"`+home+`","AzList":[{"AzId":"a","AvailableZoneCode":"`+homeZone+`"}]}]}]}`)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		rw.WriteHeader(<-status)
		_, _ = fmt.Fprintf(rw, `{"Code":"InvalidParameter","Message":%q}`, "bad "+private+" "+string(body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestSecretsStayHidden: whatever the cloud echoes, no error and no log shows it.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	const password = "Marker-9x-4411"
	w := newWorld(t)
	status := make(chan int, 1)
	call := w.call()
	call.Account.Endpoint = echo(t, status)
	var seen strings.Builder
	for _, code := range []int{http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError} {
		status <- code
		_, err := w.Act(t.Context(), provider.ActionRequest{
			Call: call, Token: "a", Kind: kinds.Instance, ID: "ins-1", Action: kinds.ActionResetPassword, Input: []byte(`{"password":"` + password + `"}`),
		})
		if err == nil || !strings.Contains(err.Error(), secret.Mask) {
			t.Errorf("status %d: %v", code, err)
		}
		fmt.Fprintf(&seen, "%v %+v\n", err, fault.As(err))
	}
	seen.WriteString(w.logs.String())
	for _, m := range []string{private, password, "Signature="} {
		if strings.Contains(seen.String(), m) {
			t.Errorf("%q is shown in:\n%s", m, seen.String())
		}
	}
}
