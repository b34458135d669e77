package redact_test

import (
	"fmt"
	"strings"
	"testing"

	"tradewind.example/sdk/redact"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "Password": true, "db_password": true, "secretKey": true, "SecretKey": true, "api-key": true,
		"PrivateKey": true, "access_token": true, "Authorization": true, "x.secret": true, "APIKey": true,
		"monkey": false, "keyboard": false, "region": false, "tokenizer": false, "": false, "author": false,
	} {
		if got := redact.Key(name); got != want {
			t.Errorf("%q: secret %v; want %v", name, got, want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, keep := range map[string]string{
		"password=MARK":                       "password=",
		`{"Password":"MARK","name":"n"}`:      `"name":"n"`,
		"Action=X&Signature=MARK&Region=r":    "&Region=r",
		"Authorization: Bearer MARK":          "Authorization",
		"PublicKey=a&api_key=MARK b":          " b",
		"Access-Key: MARK":                    "Access-Key",
		"token = MARK; next":                  "; next",
		"nothing to see: region=r1 and all x": "region=r1 and all x",
	} {
		got := redact.Text(in)
		if strings.Contains(got, "MARK") || !strings.Contains(got, keep) {
			t.Errorf("%q became %q; want the secret gone and %q kept", in, got, keep)
		}
	}
}

func ExampleText() {
	fmt.Println(redact.Text("POST /?Action=Buy&Signature=abc123 timed out"))
	// Output: POST /?Action=Buy&Signature=****** timed out
}
