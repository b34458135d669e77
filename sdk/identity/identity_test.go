package identity_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"

	"tradewind.example/sdk/identity"
)

func TestEachSideServesOnlyWhomItWasToldOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		told, learnt bool // the plugin of the host's certificate, the host of the plugin's
		want         bool
		reason       string
	}{
		"both know each other": {told: true, learnt: true, want: true, reason: "that is how a start goes"},
		"another host":         {learnt: true, reason: "nobody else on the machine may call the plugin"},
		"another plugin":       {told: true, reason: "nobody may pose as the plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, plugin, stranger := identityOf(t), identityOf(t), identityOf(t)
			known, first := stranger, stranger
			if tc.told {
				known = host
			}
			if tc.learnt {
				first = plugin
			}
			if err := meet(t, host, plugin, known.Variable(), first.Line()); (err == nil) != tc.want {
				t.Errorf("the sides met with %v, want success %v: %s", err, tc.want, tc.reason)
			}
		})
	}
}

func TestAHostTrustsNobodyBeforeTheFirstLine(t *testing.T) {
	t.Parallel()
	host, plugin := identityOf(t), identityOf(t)
	if err := meet(t, host, plugin, host.Variable(), ""); err == nil {
		t.Error("a host took a plugin that told no certificate")
	}
}

func TestAPluginNeedsTheHostsCertificate(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "nothing"} {
		if _, err := identityOf(t).Plugin(text); !errors.Is(err, identity.ErrNoCertificate) {
			t.Errorf("%q: %v, want %v", text, err, identity.ErrNoCertificate)
		}
	}
}

func TestIdentitiesDiffer(t *testing.T) {
	t.Parallel()
	if a, b := identityOf(t), identityOf(t); a.Line() == b.Line() {
		t.Error("two identities have one certificate")
	}
}

func identityOf(t *testing.T) *identity.Identity {
	t.Helper()
	i, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// meet lets both sides shake hands and say one word; line is what the host read
// as the plugin's certificate.
func meet(t *testing.T, host, plugin *identity.Identity, variable, line string) error {
	t.Helper()
	_, certificate, _ := strings.Cut(variable, "=")
	serving, err := plugin.Plugin(certificate)
	if err != nil {
		t.Fatal(err)
	}
	dialling := host.Host()
	if line != "" {
		dialling.RootCAs = poolOf(t, line)
	}
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() {
		c := tls.Server(far, serving)
		_, err := c.Write([]byte("served"))
		served <- errors.Join(err, far.Close())
	}()
	c := tls.Client(near, dialling)
	_, err = c.Read(make([]byte, 6))
	return errors.Join(err, near.Close(), <-served)
}

func poolOf(t *testing.T, line string) *x509.CertPool {
	t.Helper()
	der, err := base64.RawStdEncoding.DecodeString(line)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}
