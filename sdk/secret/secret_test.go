package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

const planted = "planted-hunter22"

type exported struct{ Key secret.Value }

type hidden struct{ key secret.Value }

// forms are what a careless program may print.
func forms(v secret.Value) map[string]any {
	return map[string]any{
		"value": v, "pointer": &v, "exported field": exported{v}, "unexported field": hidden{v},
		"pointer to struct": &hidden{v}, "slice": []secret.Value{v}, "map": map[string]secret.Value{"k": v},
		"map of structs": map[string]hidden{"k": {v}}, "any": any(v), "nested": []any{[]hidden{{v}}},
	}
}

func mustNotShow(t *testing.T, what, out string) {
	t.Helper()
	hex := fmt.Sprintf("%x", planted)
	for _, bad := range []string{planted, strings.ToUpper(planted), hex, strings.ToUpper(hex), fmt.Sprint([]byte(planted))} {
		if strings.Contains(out, bad) {
			t.Errorf("%s shows the secret: %s", what, out)
		}
	}
}

func TestNoVerbShowsIt(t *testing.T) {
	t.Parallel()
	v := secret.New(planted)
	for name, x := range forms(v) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%T", "%p", "%20s", "%!"} {
			mustNotShow(t, name+" with "+verb, fmt.Sprintf(verb, x))
		}
		mustNotShow(t, name+" printed", fmt.Sprint(x)+fmt.Sprintln(x))
		mustNotShow(t, name+" in an error", fmt.Errorf("calling with %v: %w", x, errors.New("refused")).Error())
		mustNotShow(t, name+" in a fault", fault.Internal(fmt.Errorf("%#v", x), "with %v", x).Error())
	}
	if got := fmt.Sprintf("%s|%v|%#v|%x", v, v, v, v); got != strings.Repeat(secret.Mask+"|", 3)+secret.Mask {
		t.Errorf("a secret prints as %q", got)
	}
}

func TestNoEncoderShowsIt(t *testing.T) {
	t.Parallel()
	v := secret.New(planted)
	for name, x := range forms(v) {
		raw, err := json.Marshal(x)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		mustNotShow(t, name+" as JSON", string(raw))
		var text, lines bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&lines, nil)} {
			slog.New(h).Info("call", "x", x, slog.Group("g", slog.Any("y", x)))
		}
		mustNotShow(t, name+" in a text log", text.String())
		mustNotShow(t, name+" in a JSON log", lines.String())
	}
	raw, err := xml.Marshal(exported{v})
	if err != nil {
		t.Fatal(err)
	}
	mustNotShow(t, "XML", string(raw))
	raw, err = json.Marshal(map[secret.Value]int{v: 1})
	if err != nil {
		t.Fatal(err)
	}
	mustNotShow(t, "a JSON key", string(raw))
}

func TestReadingIt(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		in     string
		want   string
		wrong  bool
	}{
		"Text":   {reason: "input carries secrets", in: `{"Key":"` + planted + `"}`, want: planted},
		"Absent": {reason: "nothing is the empty secret", in: `{}`},
		"Empty":  {reason: "an empty text is the empty secret", in: `{"Key":""}`},
		"Object": {reason: "another type is refused without being quoted", in: `{"Key":{"` + planted + `":1}}`, wrong: true},
		"Number": {reason: "a number is refused", in: `{"Key":12345678}`, wrong: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got exported
			err := json.Unmarshal([]byte(tc.in), &got)
			if (err != nil) != tc.wrong || got.Key.Reveal() != tc.want {
				t.Errorf("%s: read %d characters, error %v", tc.reason, len(got.Key.Reveal()), err)
			}
			if err != nil {
				mustNotShow(t, "the error", err.Error())
			}
			if got.Key.IsZero() != (tc.want == "") {
				t.Errorf("%s: IsZero is %t", tc.reason, got.Key.IsZero())
			}
		})
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	if !secret.New(planted).Equal(secret.New(planted)) || secret.New(planted).Equal(secret.New("other")) {
		t.Error("secrets are compared wrongly")
	}
	if !secret.New("").Equal(secret.Value{}) || fmt.Sprint(secret.Value{}) != "" {
		t.Error("the empty secret is not the zero one, or has a mask")
	}
}
