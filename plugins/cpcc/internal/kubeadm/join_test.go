package kubeadm

import (
	"strings"
	"testing"
)

func TestParseJoin(t *testing.T) {
	t.Parallel()
	hash := "sha256:" + strings.Repeat("0a", 32)
	good := "kubeadm join 10.0.0.8:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash " + hash
	cases := map[string]struct {
		text string
		ok   bool
	}{
		"Good":     {good + " \n", true},
		"Warning":  {"W1104 something is old\n" + good + "\n", true},
		"IPv6":     {strings.Replace(good, "10.0.0.8", "[fd00::1]", 1), true},
		"Empty":    {"", false},
		"NoPort":   {strings.Replace(good, ":6443", "", 1), false},
		"More":     {good + "; rm -rf /", false},
		"BadToken": {strings.Replace(good, "abcdef.", "ABCDEF.", 1), false},
		"NoHash":   {"kubeadm join 10.0.0.8:6443 --token abcdef.0123456789abcdef", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseJoin(tc.text)
			if (err == nil) != tc.ok || tc.ok && got.hash != hash {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzParseJoin(f *testing.F) {
	f.Add("kubeadm join 10.0.0.8:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:" + strings.Repeat("0a", 32))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseJoin(text)
		if err == nil && strings.ContainsAny(got.endpoint+got.token+got.hash, "\"'\n $;`\\") {
			t.Errorf("let through %+v", got)
		}
	})
}
