package provider

import (
	"net/url"

	"tradewind.example/core/field"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The bounds of inputs.
const (
	MaxName     = 200  // characters of names and titles
	MaxSettings = 64   // settings or credentials of one account
	MaxSecret   = 8192 // bytes of one credential
	MaxCovered  = 1000 // customers named by one enablement
	maxEndpoint = 500
	maxSetting  = 2000
)

func missing(thing, id string) error { return fault.NotFound(thing, id) }

// fields collects what is wrong with an input.
type fields struct{ field.Problems }

func (f *fields) endpoint(path, s string) {
	if s == "" {
		return
	}
	f.Text(path, s, 0, maxEndpoint)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		f.Add(path, "must be an http or https address")
		return
	}
	if u.User != nil {
		f.Add(path, "must not carry a user name or a password")
	}
}

func (f *fields) settings(path string, m map[string]string) {
	if len(m) > MaxSettings {
		f.Add(path, "must have at most %d entries", MaxSettings)
		return
	}
	for k, v := range m {
		f.Text(path, k, 1, MaxName)
		f.Text(path+"."+k, v, 0, maxSetting)
	}
}

// credentials never puts a value into a message.
func (f *fields) credentials(path string, m map[string]secret.Value) {
	if len(m) > MaxSettings {
		f.Add(path, "must have at most %d entries", MaxSettings)
		return
	}
	for k, v := range m {
		f.Text(path, k, 1, MaxName)
		if n := len(v.Reveal()); n == 0 || n > MaxSecret {
			f.Add(path+"."+k, "must have 1 to %d bytes", MaxSecret)
		}
	}
}

func (f *fields) id(path, s string) { f.Text(path, s, 1, MaxName) }
