package password_test

import (
	"strings"
	"testing"

	"tradewind.example/core/tenant/password"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func cheap(t testing.TB) *password.Hasher {
	t.Helper()
	h, err := password.New(password.Params{MemoryKiB: 8, Passes: 1, Lanes: 1, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	h, ctx := cheap(t), t.Context()
	good := secret.New("correct horse battery")
	hash, err := h.Hash(ctx, good)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("%q %v", hash, err)
	}
	again, err := h.Hash(ctx, good)
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are equal: no salt (%v)", err)
	}
	cases := map[string]struct {
		reason   string
		hash     string
		password string
		want     bool
	}{
		"Right":      {"the control", hash, "correct horse battery", true},
		"Other":      {"another password", hash, "correct horse batterx", false},
		"Empty":      {"no password", hash, "", false},
		"NoHash":     {"a login that does not exist", "", "correct horse battery", false},
		"NoHashZero": {"nor with an empty password", "", "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := h.Verify(ctx, tc.hash, secret.New(tc.password))
			if err != nil || got != tc.want {
				t.Errorf("%s: got %v, %v", tc.reason, got, err)
			}
		})
	}
}

// The hash is the one that argon2's reference command line makes of "password"
// and "somesalt".
func TestKnownHash(t *testing.T) {
	t.Parallel()
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, err := cheap(t).Verify(t.Context(), reference, secret.New("password"))
	if err != nil || !ok {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestBrokenHashes(t *testing.T) {
	t.Parallel()
	h := cheap(t)
	sum := strings.Repeat("A", 43)
	for reason, hash := range map[string]string{
		"no format":         "x",
		"another algorithm": "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + sum,
		"another version":   "$argon2id$v=16$m=8,t=1,p=1$c29tZXNhbHQ$" + sum,
		"no parameters":     "$argon2id$v=19$$c29tZXNhbHQ$" + sum,
		"memory bomb":       "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$" + sum,
		"time bomb":         "$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQ$" + sum,
		"no lanes":          "$argon2id$v=19$m=8,t=1,p=0$c29tZXNhbHQ$" + sum,
		"short salt":        "$argon2id$v=19$m=8,t=1,p=1$c29t$" + sum,
		"short hash":        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA",
		"bad base64":        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + strings.Repeat("!", 43),
	} {
		if ok, err := h.Verify(t.Context(), hash, secret.New("x")); ok || !fault.Is(err, fault.ClassInternal) {
			t.Errorf("%s: got %v, %v", reason, ok, err)
		}
		if !h.Stale(hash) {
			t.Errorf("%s: not stale", reason)
		}
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	h := cheap(t)
	dear, err := password.New(password.Params{MemoryKiB: 16, Passes: 1, Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := h.Hash(t.Context(), secret.New("x"))
	if err != nil || h.Stale(hash) || !dear.Stale(hash) {
		t.Errorf("a hash is stale at another cost only: %v", err)
	}
}

func TestParamsAreChecked(t *testing.T) {
	t.Parallel()
	for reason, p := range map[string]password.Params{
		"no memory": {Passes: 1, Lanes: 1}, "no passes": {MemoryKiB: 8, Lanes: 1}, "no lanes": {MemoryKiB: 8, Passes: 1},
		"too much memory": {MemoryKiB: 1 << 21, Passes: 1, Lanes: 1},
	} {
		if _, err := password.New(p); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
	if _, err := password.New(password.Params{}); err != nil {
		t.Errorf("the zero parameters are the defaults: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason, login, password string
		ok                      bool
	}{
		"Good":      {"12 characters", "login", "abcdefghijkl", true},
		"Chinese":   {"characters, not bytes", "login", "一二三四五六七八九十甲乙", true},
		"Short":     {"11 characters", "login", "abcdefghijk", false},
		"ShortWide": {"33 bytes are not 12 characters", "login", "一二三四五六七八九十甲", false},
		"Login":     {"the login", "abcdefghijkl", "ABCDEFGHIJKL", false},
		"Repeated":  {"one character", "login", "aaaaaaaaaaaa", false},
		"Long":      {"257 bytes", "login", strings.Repeat("ab", 129), false},
		"NotUTF8":   {"not text", "login", "abcdefghijkl\xff", false},
		"Empty":     {"nothing", "login", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := password.Check(tc.login, secret.New(tc.password)); (got == "") != tc.ok {
				t.Errorf("%s: %q", tc.reason, got)
			}
		})
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	a, err := password.Generate()
	b, err2 := password.Generate()
	if err != nil || err2 != nil || a.Equal(b) || password.Check("admin", a) != "" {
		t.Errorf("generated passwords differ and keep the rules: %v %v", err, err2)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"+strings.Repeat("A", 43), "x")
	f.Add("", "x")
	h, err := password.New(password.Params{MemoryKiB: 8, Passes: 1, Lanes: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, hash, p string) {
		if strings.Contains(hash, "m=") && !strings.Contains(hash, "m=8,t=1,p=1$") {
			t.Skip("costly")
		}
		if ok, err := h.Verify(t.Context(), hash, secret.New(p)); ok && err != nil {
			t.Error("right and wrong at once")
		}
	})
}
