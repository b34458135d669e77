package store

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

// A text part is written with every zero byte as 00 FF and closed with 00 01,
// so that no part is a prefix of a longer one and a shorter text sorts first.
// A number is 8 bytes, big endian, the sign bit of signed ones flipped.
const (
	escape     = 0x00
	escapedNul = 0xFF
	terminator = 0x01
)

// The instants that fit a key: UnixNano is undefined outside them.
var (
	minInstant = time.Unix(0, math.MinInt64)
	maxInstant = time.Unix(0, math.MaxInt64)
)

// Key encodes a tuple so that keys compare, byte by byte, as the tuples do.
// Parts are texts (string, []byte), integers, booleans and times (nanoseconds;
// instants outside the years 1678..2262 count as the nearest inside), also of
// named types. Tuples compared with each other have the same kinds in the same
// places. A part of any other kind makes the key nil, which every store refuses.
func Key(parts ...any) []byte {
	out := make([]byte, 0, 16+24*len(parts))
	for _, p := range parts {
		if out = appendPart(out, p); out == nil {
			return nil
		}
	}
	return out
}

// Prefix returns the range of all keys made by [Key] whose leading parts are
// these. No parts: the whole bucket. The range has no limit yet: add one with
// [Range.First], [Range.Last] or [Range.All].
func Prefix(parts ...any) Range {
	k := Key(parts...)
	if k == nil {
		return Range{From: []byte{0}, To: []byte{0}}
	}
	return PrefixOf(k)
}

// PrefixOf returns the range of all keys that begin with these bytes.
func PrefixOf(k []byte) Range { return Range{From: k, To: successor(k)} }

// successor is the smallest key after all that begin with k; nil when none is.
func successor(k []byte) []byte {
	for i := len(k) - 1; i >= 0; i-- {
		if k[i] < math.MaxUint8 {
			out := append([]byte(nil), k[:i+1]...)
			out[i]++
			return out
		}
	}
	return nil
}

func appendPart(out []byte, p any) []byte {
	switch v := p.(type) {
	case string:
		return appendText(out, v)
	case []byte:
		return appendText(out, v)
	case time.Time:
		return appendInt(out, instant(v))
	case int64:
		return appendInt(out, v)
	case int:
		return appendInt(out, int64(v))
	case uint64:
		return binary.BigEndian.AppendUint64(out, v)
	}
	return appendNamed(out, reflect.ValueOf(p))
}

func appendNamed(out []byte, v reflect.Value) []byte {
	switch {
	case v.Kind() == reflect.String:
		return appendText(out, v.String())
	case v.Kind() == reflect.Bool && v.Bool():
		return append(out, 1)
	case v.Kind() == reflect.Bool:
		return append(out, 0)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return appendText(out, v.Bytes())
	case v.IsValid() && v.CanInt():
		return appendInt(out, v.Int())
	case v.IsValid() && v.CanUint():
		return binary.BigEndian.AppendUint64(out, v.Uint())
	}
	return nil
}

func appendText[T string | []byte](out []byte, s T) []byte {
	for i := range len(s) {
		out = append(out, s[i])
		if s[i] == escape {
			out = append(out, escapedNul)
		}
	}
	return append(out, escape, terminator)
}

func appendInt(out []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(out, uint64(v)^(1<<63))
}

func instant(t time.Time) int64 {
	if t.Before(minInstant) {
		return math.MinInt64
	}
	if t.After(maxInstant) {
		return math.MaxInt64
	}
	return t.UnixNano()
}
