// Package password hashes and checks passwords with argon2id and holds the
// rules for new ones.
//
// It keeps nothing and knows no users. A [Hasher] bounds how many hashes are
// computed at once, because each takes Params.MemoryKiB of memory, and is safe
// for concurrent use. The parameters travel in each hash, so that old hashes
// stay valid when the cost is raised; see [Hasher.Stale].
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// The lengths of a password, in characters and bytes.
const (
	MinLength = 12
	MaxBytes  = 256
)

const (
	saltBytes = 16
	hashBytes = 32
)

// Params is the cost of one hash.
type Params struct {
	MemoryKiB   uint32
	Passes      uint32
	Lanes       uint8
	Concurrency int // hashes computed at once; the others wait
}

// Defaults costs a guesser 19 MiB and tens of milliseconds a try, and the
// broker no more memory than an idle one may use.
func Defaults() Params {
	return Params{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1, Concurrency: 2}
}

// Bounds on the parameters of a stored hash, so that a tampered one cannot
// exhaust the process.
const (
	maxMemoryKiB = 1 << 20
	maxPasses    = 64
	maxLanes     = 16
)

func (p Params) check() error {
	if p.MemoryKiB < 8 || p.MemoryKiB > maxMemoryKiB || p.Passes < 1 || p.Passes > maxPasses ||
		p.Lanes < 1 || p.Lanes > maxLanes {
		return fmt.Errorf("argon2id parameters m=%d,t=%d,p=%d are out of bounds", p.MemoryKiB, p.Passes, p.Lanes)
	}
	return nil
}

// Hasher hashes passwords at one cost.
type Hasher struct {
	params Params
	slots  chan struct{}
	decoy  string
}

// New returns a Hasher; the zero Params are [Defaults].
func New(p Params) (*Hasher, error) {
	if p == (Params{}) {
		p = Defaults()
	}
	if p.Concurrency <= 0 {
		p.Concurrency = Defaults().Concurrency
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	h := &Hasher{params: p, slots: make(chan struct{}, p.Concurrency)}
	h.decoy = encode(p, make([]byte, saltBytes), make([]byte, hashBytes))
	return h, nil
}

// Hash returns the hash of a password with a fresh salt. It waits for a free
// slot as long as ctx lasts.
func (h *Hasher) Hash(ctx context.Context, password secret.Value) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fault.Internal(err, "no randomness")
	}
	sum, err := h.derive(ctx, h.params, password, salt)
	if err != nil {
		return "", err
	}
	return encode(h.params, salt, sum), nil
}

// Verify reports whether the password made the hash. An empty hash costs as
// much as a real one and is never right: that is how a login that does not
// exist is answered.
func (h *Hasher) Verify(ctx context.Context, hash string, password secret.Value) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	p, salt, want, err := decode(hash)
	if err != nil {
		return false, fault.Internal(err, "a stored password hash cannot be read")
	}
	got, err := h.derive(ctx, p, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// Stale reports whether the hash was made at another cost than this Hasher's.
func (h *Hasher) Stale(hash string) bool {
	p, _, _, err := decode(hash)
	return err != nil || p.MemoryKiB != h.params.MemoryKiB || p.Passes != h.params.Passes || p.Lanes != h.params.Lanes
}

func (h *Hasher) derive(ctx context.Context, p Params, password secret.Value, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fault.Unavailable("too many sign-ins at once: try again").With(ctx.Err())
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password.Reveal()), salt, p.Passes, p.MemoryKiB, p.Lanes, hashBytes), nil
}

// Check returns what is wrong with a new password, empty when nothing is.
func Check(login string, password secret.Value) string {
	p := password.Reveal()
	switch {
	case !utf8.ValidString(p):
		return "must be valid UTF-8"
	case utf8.RuneCountInString(p) < MinLength:
		return fmt.Sprintf("must have at least %d characters", MinLength)
	case len(p) > MaxBytes:
		return fmt.Sprintf("must have at most %d bytes", MaxBytes)
	case strings.EqualFold(p, login):
		return "must not be the login"
	case strings.Count(p, p[:1]) == len(p):
		return "must not be one character repeated"
	}
	return ""
}

// Generate returns a random password of 160 bits.
func Generate() (secret.Value, error) {
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return secret.Value{}, fault.Internal(err, "no randomness")
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(raw)), nil
}

func encode(p Params, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Passes, p.Lanes,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

var errFormat = errors.New("not an argon2id hash in PHC form")

func decode(hash string) (p Params, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errFormat
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Lanes); err != nil {
		return p, nil, nil, errFormat
	}
	if err := p.check(); err != nil {
		return p, nil, nil, err
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errFormat
	}
	if sum, err = b64.DecodeString(parts[5]); err != nil || len(sum) != hashBytes {
		return p, nil, nil, errFormat
	}
	return p, salt, sum, nil
}
