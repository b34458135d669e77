// Package seal encrypts secrets before they are stored, with a key that is not
// in the store.
//
// The keys are a Tink keyset (AES-256-GCM) in a file of mode 0600. The file is
// cleartext on purpose: what guards it is its permissions, and it belongs on
// another volume than the data and its backups, or on one that a key
// management service unlocks. Who has both the store and the file has the
// secrets; who loses the file has lost them.
//
// Every sealed value is bound to a context (what it is for and whose it is,
// see [Context]): a value moved to another place in the store does not open.
// The package stores no sealed values and knows no domain.
//
// A [Keyring] is safe for concurrent use, also beside other processes that
// rotate the same file: a value sealed with a key that it has not seen makes it
// read the file again.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"tradewind.example/sdk/fault"
)

// Config says where the keyset is.
type Config struct {
	Path string
	// Create makes the file when it is missing. Set it only while the store is
	// empty too: a new keyset opens nothing that an old one sealed.
	Create bool
}

// Keyring seals and opens values with the keys of one file.
type Keyring struct {
	path string
	mu   sync.RWMutex
	keys keys
}

// keys is one state of the file, read-only.
type keys struct {
	handle *keyset.Handle
	aead   tink.AEAD
	infos  []Key
}

// Key is a key of the ring; its material never leaves the package.
type Key struct {
	ID      uint32
	Primary bool // seals new values; the others only open old ones
}

// New reads the keyset of the file.
func New(cfg Config) (*Keyring, error) {
	k := &Keyring{path: cfg.Path}
	if cfg.Path == "" {
		return nil, errors.New("seal: the path of the keyset file is required")
	}
	if cfg.Create {
		if err := createFile(cfg.Path); err != nil {
			return nil, err
		}
	}
	return k, k.Reload()
}

// Context is the associated data that binds a sealed value to its purpose
// ("enablement.credentials") and its owner's id. No two pairs give the same.
func Context(purpose, id string) []byte {
	out := binary.AppendUvarint(nil, uint64(len(purpose)))
	return append(append(out, purpose...), id...)
}

// Seal encrypts plaintext with the primary key, bound to context.
func (k *Keyring) Seal(plaintext, context []byte) ([]byte, error) {
	sealed, err := k.current().aead.Encrypt(plaintext, context)
	if err != nil {
		return nil, fault.Internal(err, "a secret cannot be sealed")
	}
	return sealed, nil
}

// Open decrypts what Seal made with the same context. A value of another
// context, a changed one, or one of an unknown key is an internal fault.
func (k *Keyring) Open(sealed, context []byte) ([]byte, error) {
	now := k.current()
	if !now.has(sealed) {
		if err := k.Reload(); err != nil {
			return nil, err
		}
		now = k.current()
	}
	plain, err := now.aead.Decrypt(sealed, context)
	if err != nil {
		return nil, fault.Internal(err, "a stored secret cannot be opened: is the keyset file the right one?")
	}
	return plain, nil
}

// Reseal seals an old value again when it was not sealed with the primary key,
// and says whether it did.
func (k *Keyring) Reseal(sealed, context []byte) ([]byte, bool, error) {
	if !k.Stale(sealed) {
		return sealed, false, nil
	}
	plain, err := k.Open(sealed, context)
	if err != nil {
		return nil, false, err
	}
	fresh, err := k.Seal(plain, context)
	return fresh, err == nil, err
}

// Stale reports whether the value was sealed with another key than the primary.
func (k *Keyring) Stale(sealed []byte) bool {
	id, ok := keyOf(sealed)
	return !ok || id != k.current().primary()
}

// Keys lists the keys, oldest first.
func (k *Keyring) Keys() []Key { return append([]Key(nil), k.current().infos...) }

// Rotate adds a key and makes it the primary one. The old keys stay, so that
// old values open; reseal them all before a [Keyring.Retire].
func (k *Keyring) Rotate() (Key, error) {
	var fresh uint32
	err := k.change(func(m *keyset.Manager) error {
		var err error
		if fresh, err = m.Add(aead.AES256GCMKeyTemplate()); err != nil {
			return err
		}
		return m.SetPrimary(fresh)
	})
	return Key{ID: fresh, Primary: true}, err
}

// Retire removes a key that seals nothing any more. Values still sealed with
// it are lost for good.
func (k *Keyring) Retire(id uint32) error {
	if err := k.Reload(); err != nil {
		return err
	}
	if k.current().primary() == id {
		return fault.Precondition("key %d is the primary one: rotate first", id)
	}
	if !k.current().knows(id) {
		return fault.NotFound("key", fmt.Sprint(id))
	}
	return k.change(func(m *keyset.Manager) error { return m.Delete(id) })
}

// Reload reads the file again.
func (k *Keyring) Reload() error {
	now, err := readFile(k.path)
	if err != nil {
		return err
	}
	k.set(now)
	return nil
}

// change edits the file's newest state, one process at a time, and uses it.
func (k *Keyring) change(edit func(*keyset.Manager) error) error {
	return locked(k.path, func() error {
		now, err := readFile(k.path)
		if err != nil {
			return err
		}
		m := keyset.NewManagerFromHandle(now.handle)
		if err := edit(m); err != nil {
			return fault.Internal(err, "the keyset cannot be changed")
		}
		h, err := m.Handle()
		if err != nil {
			return fault.Internal(err, "the keyset cannot be changed")
		}
		if now, err = newKeys(h); err != nil {
			return err
		}
		if err := replaceFile(k.path, h); err != nil {
			return err
		}
		k.set(now)
		return nil
	})
}

func (k *Keyring) current() keys {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys
}

func (k *Keyring) set(now keys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = now
}

func newKeys(h *keyset.Handle) (keys, error) {
	a, err := aead.New(h)
	if err != nil {
		return keys{}, fault.Internal(err, "the keyset holds no usable keys")
	}
	out := keys{handle: h, aead: a}
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return keys{}, fault.Internal(err, "the keyset holds a key that cannot be read")
		}
		out.infos = append(out.infos, Key{ID: e.KeyID(), Primary: e.IsPrimary()})
	}
	return out, nil
}

func (k keys) primary() uint32 {
	for _, i := range k.infos {
		if i.Primary {
			return i.ID
		}
	}
	return 0
}

func (k keys) knows(id uint32) bool {
	for _, i := range k.infos {
		if i.ID == id {
			return true
		}
	}
	return false
}

func (k keys) has(sealed []byte) bool {
	id, ok := keyOf(sealed)
	return ok && k.knows(id)
}

// tinkPrefix begins every value of a key made from a Tink template; the key's
// id follows in 4 bytes, big endian.
const tinkPrefix = 1

func keyOf(sealed []byte) (uint32, bool) {
	if len(sealed) < 5 || sealed[0] != tinkPrefix {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:]), true
}
