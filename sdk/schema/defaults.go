package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Decode reads doc into a new T whose default tags were applied first, so that
// a field that is not given has its default. An empty doc counts as {}. It
// does not validate: do that first, with a [Validator].
func Decode[T any](doc json.RawMessage) (T, error) {
	var out T
	if err := SetDefaults(&out); err != nil {
		return out, err
	}
	if len(doc) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(doc, &out); err != nil {
		return out, fmt.Errorf("decoding %T: %w", out, err)
	}
	return out, nil
}

// SetDefaults gives each field of the struct at ptr the value of its default
// tag; structs inside structs too, but not those that lists, maps and pointers hold.
// Anything but a pointer to a struct is left alone.
func SetDefaults(ptr any) error {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	return setDefaults(v.Elem())
}

func setDefaults(v reflect.Value) error {
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		if !field.CanSet() {
			continue
		}
		text, ok := f.Tag.Lookup("default")
		switch {
		case ok:
			value, err := parse(f.Type, text)
			if err != nil {
				return fmt.Errorf("default of %s: %w", f.Name, err)
			}
			if f.Type.Kind() == reflect.Pointer {
				field.Set(reflect.New(f.Type.Elem()))
				field = field.Elem()
			}
			field.Set(reflect.ValueOf(value).Convert(field.Type()))
		case f.Type.Kind() == reflect.Struct && f.Type != secretType && f.Type != timeType:
			if err := setDefaults(field); err != nil {
				return err
			}
		}
	}
	return nil
}
