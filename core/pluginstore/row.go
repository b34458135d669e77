package pluginstore

import (
	"bytes"
	"encoding/binary"

	"tradewind.example/sdk/fault"
)

// row is one stored value: a flag byte, the revision as 8 bytes, the value.
type row struct {
	sealed   bool
	revision uint64
	value    []byte
}

const (
	rowHeader  = 9
	flagPlain  = 0
	flagSealed = 1
)

func (r row) encode() []byte {
	out := make([]byte, 0, rowHeader+len(r.value))
	flag := byte(flagPlain)
	if r.sealed {
		flag = flagSealed
	}
	return append(binary.BigEndian.AppendUint64(append(out, flag), r.revision), r.value...)
}

// decodeRow reads a row into memory of its own.
func decodeRow(raw []byte) (row, error) {
	if len(raw) < rowHeader || raw[0] > flagSealed {
		return row{}, fault.Internal(nil, "a plugin's stored value cannot be read")
	}
	return row{sealed: raw[0] == flagSealed, revision: binary.BigEndian.Uint64(raw[1:]), value: bytes.Clone(raw[rowHeader:])}, nil
}

// decodeKey undoes what store.Key does to one text: 00 FF stands for a zero
// byte, 00 01 is the end.
func decodeKey(part []byte) string {
	return string(bytes.ReplaceAll(part[:len(part)-2], []byte{0, 0xFF}, []byte{0}))
}
