package shape_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "tradewind.example/sdk/wire/providerv1"
	"tradewind.example/sdk/wire/shape"
)

func TestShapeTellsNoValue(t *testing.T) {
	t.Parallel()
	const value = "hunter2"
	got := shape.Of(&pb.CreateRequest{
		Call: &pb.Call{
			Org: value, Account: &pb.Account{
				Credentials: map[string]string{"private": value}, Settings: map[string]string{"project": value, value + "@a.example": value},
			},
		},
		Kind: "instance", Token: value,
		Spec: []byte(`{"flavour":"` + value + `","count":2,"disks":[{"size":10,"boot":true}],"none":null,"labels":{"` + value + `@a.example":"x"}}`),
	})
	want := []string{
		"call.account.credentials secrets(1)", "call.account.settings map(2)", "call.account.settings.project string(7)",
		"call.org string(7)", "kind string(8)",
		"spec bytes(112)", "spec.count number", "spec.disks list(1)", "spec.disks[0] object(2)", "spec.disks[0].boot bool",
		"spec.disks[0].size number", "spec.flavour string(7)", "spec.labels object(1)", "spec.none null", "token string(7)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(got), value) {
		t.Errorf("a value is told: %q", got)
	}
}

func TestShapeIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `"field%d":1,`, i)
	}
	got := shape.Of(&pb.CreateRequest{Spec: []byte("{" + b.String() + `"deep":` + strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50) + "}")})
	if len(got) != 101 || !strings.HasPrefix(got[100], "… and ") {
		t.Errorf("%d fields, the last is %q", len(got), got[len(got)-1])
	}
}

func FuzzShape(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":null}]}`), "token")
	f.Fuzz(func(t *testing.T, spec []byte, token string) {
		for _, line := range shape.Of(&pb.CreateRequest{Spec: spec, Token: token}) {
			if len(token) > 12 && !bytes.Contains(spec, []byte(token)) && strings.Contains(line, token) {
				t.Errorf("%q tells the token", line)
			}
		}
	})
}
