// Package id makes and checks the identifiers of everything that is stored.
//
// Identifiers are UUIDv7 texts: they sort by the time they were made, so that
// new rows land at the end of a store's files. They are unique, not secret:
// never use one as a password or a bearer token. All functions are safe for
// concurrent use; identifiers made by one process strictly increase.
package id

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Len is the length of an identifier in bytes.
const Len = 36

// last is the tick of the newest identifier. It is the state of the process that
// makes identifiers increase, whoever makes them.
var last atomic.Int64

// New returns a fresh identifier, greater than every one this process made before.
func New() string { return NewAt(time.Now()) }

// NewAt is [New] for those who have just asked for the time.
func NewAt(now time.Time) string {
	t := tick(now.UnixNano())
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(t)>>12<<16|7<<12|uint64(t)&0xfff)
	//nolint:gosec // it must be unique, which these are: they are drawn from a generator that the system has seeded
	binary.BigEndian.PutUint64(u[8:], 0b10<<62|rand.Uint64()>>2)
	var out [Len]byte
	hex.Encode(out[:8], u[:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:], u[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// tick is the time in 4096ths of a millisecond, and later than every one before:
// what a UUIDv7 holds before its random part.
func tick(nanos int64) int64 {
	const milli = int64(time.Millisecond)
	now := nanos/milli<<12 | nanos%milli<<12/milli
	for {
		old := last.Load()
		next := max(now, old+1)
		if last.CompareAndSwap(old, next) {
			return next
		}
	}
}

// Valid reports whether s is an identifier in the one spelling that New uses:
// 36 bytes, lower case, version 7.
func Valid(s string) bool {
	if len(s) != Len || s[14] != '7' {
		return false
	}
	for i := range len(s) {
		if !validAt(i, s[i]) {
			return false
		}
	}
	return true
}

func validAt(i int, c byte) bool {
	if i == 8 || i == 13 || i == 18 || i == 23 {
		return c == '-'
	}
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
}
