package provider

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/schema"
	"tradewind.example/sdk/secret"
)

// JSONSchema describes a decimal: plain notation, no exponent.
func (Decimal) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?$`}
}

// ConfigSchema derives the schema of an account's config from T, for
// [Description.Config]. T is a flat struct: its secret.Value fields come from
// the account's credentials, all others (texts, whole numbers, booleans) from
// its settings.
func ConfigSchema[T any]() (json.RawMessage, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("config %s is not a struct", t)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == reflect.TypeFor[secret.Value]() {
			continue
		}
		switch f.Type.Kind() {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
		default:
			return nil, fmt.Errorf("config field %s: use a text, a whole number, a boolean or a secret.Value", f.Name)
		}
	}
	return schema.ForType(t)
}

// DecodeAccount reads the config of call's account into a T (see
// [ConfigSchema]), with the defaults of its tags. What is missing or wrong is
// an invalid fault with paths like "account.settings.project" and
// "account.credentials.private_key". Settings that T does not know are ignored.
func DecodeAccount[T any](call Call) (T, error) {
	var out T
	if err := schema.SetDefaults(&out); err != nil {
		return out, fault.Internal(err, "the plugin's config type is wrong")
	}
	v := reflect.ValueOf(&out).Elem()
	if v.Kind() != reflect.Struct {
		return out, fault.Internal(fmt.Errorf("config %T is not a struct", out), "the plugin's config type is wrong")
	}
	var bad []fault.Field
	for i := range v.NumField() {
		if f, ok := setConfig(v.Field(i), v.Type().Field(i), call.Account); !ok {
			bad = append(bad, f)
		}
	}
	return out, fault.InvalidFields(bad)
}

// setConfig fills one field; ok is false when the account's value does not fit.
func setConfig(v reflect.Value, f reflect.StructField, a Account) (bad fault.Field, ok bool) {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" || name == "-" || !f.IsExported() {
		return fault.Field{}, true
	}
	path := "account.settings." + name
	text, given := a.Settings[name]
	isSecret := f.Type == reflect.TypeFor[secret.Value]()
	if isSecret {
		path = "account.credentials." + name
		var hidden secret.Value
		if hidden, given = a.Credentials[name]; given {
			v.Set(reflect.ValueOf(hidden))
			text = hidden.Reveal()
		}
	}
	if !given || text == "" {
		if f.Tag.Get("required") == "true" && v.IsZero() {
			return fault.Field{Path: path, Message: "is required"}, false
		}
		return fault.Field{}, true
	}
	if !isSecret {
		if message := setText(v, text); message != "" {
			return fault.Field{Path: path, Message: message}, false
		}
	}
	if message := breaks(f, text); message != "" {
		return fault.Field{Path: path, Message: message}, false
	}
	return fault.Field{}, true
}

// setText parses text into v; the answer says what would be right.
func setText(v reflect.Value, text string) string {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return "must be true or false"
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return "must be a whole number"
		}
		v.SetInt(n)
	default:
		return "has a type that no setting can have"
	}
	return ""
}

// breaks checks text against the tags of f and says what would be right.
func breaks(f reflect.StructField, text string) string {
	size, unit := int64(utf8.RuneCountInString(text)), " characters"
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && f.Type.Kind() != reflect.String && f.Type.Kind() != reflect.Struct {
		size, unit = n, ""
	}
	have := "must be"
	if unit != "" {
		have = "must have"
	}
	if least, err := strconv.ParseInt(f.Tag.Get("min"), 10, 64); err == nil && size < least {
		return fmt.Sprintf("%s at least %d%s", have, least, unit)
	}
	if most, err := strconv.ParseInt(f.Tag.Get("max"), 10, 64); err == nil && size > most {
		return fmt.Sprintf("%s at most %d%s", have, most, unit)
	}
	if enum, ok := f.Tag.Lookup("enum"); ok && !slices.Contains(strings.Split(enum, ","), text) {
		return "must be one of " + strings.ReplaceAll(enum, ",", ", ")
	}
	if pattern := f.Tag.Get("pattern"); pattern != "" {
		if !fits(pattern, text) {
			return "must match " + pattern
		}
	}
	return ""
}

// patterns keeps the compiled patterns of config types by their text. Tags are
// part of the program, so there are as many as were written. A config is read
// with every call, and a counted pattern costs more to compile than the rest.
var patterns sync.Map

// fits reports whether text matches pattern; a pattern that is none fits nothing.
func fits(pattern, text string) bool {
	known, ok := patterns.Load(pattern)
	if !ok {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return false
		}
		known, _ = patterns.LoadOrStore(pattern, compiled)
	}
	compiled, ok := known.(*regexp.Regexp)
	return ok && compiled.MatchString(text)
}
