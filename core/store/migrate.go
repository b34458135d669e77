package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"tradewind.example/sdk/fault"
)

// schema holds the version of the stored data's shape.
const schema Bucket = "store/schema"

func schemaKey() []byte { return Key("version") }

// ErrNewerSchema is the cause of the refusal to work on data that a newer
// program wrote.
var ErrNewerSchema = errors.New("the stored schema is newer than this program")

// Migration changes the shape of the stored data. Versions count up from 1
// without a gap and a published migration is never changed.
type Migration struct {
	Version int
	Name    string
	Run     func(Tx) error
}

// Schema returns the version that the data has, 0 for a fresh store.
func Schema(r Reader) (int, error) {
	raw, err := r.Get(schema, schemaKey())
	if err != nil || raw == nil {
		return 0, err
	}
	if len(raw) != 8 {
		return 0, fault.Internal(nil, "the stored schema version cannot be read")
	}
	return int(binary.BigEndian.Uint64(raw)), nil
}

func setSchema(tx Tx, version int) error {
	return tx.Put(schema, schemaKey(), binary.BigEndian.AppendUint64(nil, uint64(version)))
}

// CheckSchema refuses data of a version above newest with a precondition
// fault whose cause is [ErrNewerSchema].
func CheckSchema(r Reader, newest int) (int, error) {
	have, err := Schema(r)
	if err != nil {
		return 0, err
	}
	if have > newest {
		return have, fault.Precondition(
			"the stored schema version %d is newer than %d, the newest this program knows: use the newer program", have, newest).
			With(ErrNewerSchema)
	}
	return have, nil
}

// Migrate brings the data to the version of the last migration, each step in
// its own transaction together with its version, so that an interrupted run
// goes on where it stopped. Data that is newer is refused untouched.
func Migrate(ctx context.Context, st Store, steps []Migration) error {
	for i, m := range steps {
		if m.Version != i+1 {
			return fault.Internal(nil, "migration %q has version %d and stands at place %d", m.Name, m.Version, i+1)
		}
	}
	var have int
	err := st.View(ctx, func(r Reader) (err error) {
		have, err = CheckSchema(r, len(steps))
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range steps[have:] {
		if err := apply(ctx, st, m); err != nil {
			return fmt.Errorf("migrating the store to version %d (%s): %w", m.Version, m.Name, err)
		}
	}
	return nil
}

func apply(ctx context.Context, st Store, m Migration) error {
	return st.Update(ctx, func(tx Tx) error {
		have, err := Schema(tx)
		if err != nil {
			return err
		}
		if have >= m.Version {
			return nil
		}
		if err := m.Run(tx); err != nil {
			return err
		}
		return setSchema(tx, m.Version)
	})
}
