package serve

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
	"tradewind.example/sdk/wire/convert"
)

var (
	pluginName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	semver     = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`)
	currency   = regexp.MustCompile(`^[A-Z]{3}$`)
)

// kind is a registered kind with its schemas compiled. A nil validator means
// that the author gave no schema.
type kind struct {
	*provider.Kind
	spec    *schema.Validator
	actions map[string]action
}

type action struct {
	provider.ActionDescription
	do    func(ctx context.Context, req provider.ActionRequest) (provider.Change, error)
	input *schema.Validator
}

// describe asks the provider once and keeps the answer.
func (s *Server) describe(ctx context.Context) error {
	d, err := s.provider.Describe(ctx)
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	problems := []error{checkDescription(d)}
	d.Capabilities = provider.Capabilities(s.provider)
	d.Kinds, s.kinds = nil, map[string]*kind{}
	if r, ok := s.provider.(provider.Resourceful); ok {
		for _, k := range r.Kinds() {
			problems = append(problems, s.addKind(&d, k))
		}
	}
	problems = append(problems, s.checkPartKinds(d.Kinds))
	s.description, s.wire = d, convert.DescriptionToWire(d)
	return errors.Join(problems...)
}

func checkDescription(d provider.Description) error {
	var problems []error
	if !pluginName.MatchString(d.Name) {
		problems = append(problems, fmt.Errorf("description: name %q: use lower case words joined by -", d.Name))
	}
	if !semver.MatchString(d.Version) {
		problems = append(problems, fmt.Errorf("description: version %q: use a semantic version like 1.2.3", d.Version))
	}
	if d.Currency != "" && !currency.MatchString(d.Currency) {
		problems = append(problems, fmt.Errorf("description: currency %q: use an ISO 4217 code", d.Currency))
	}
	if d.ContractMinor < 0 || d.ContractMinor > handshake.ContractMinor {
		problems = append(problems, fmt.Errorf("description: contract minor %d: this SDK knows 0 to %d", d.ContractMinor, handshake.ContractMinor))
	}
	if _, err := compile(d.Config); err != nil {
		problems = append(problems, fmt.Errorf("description: config: %w", err))
	}
	return errors.Join(problems...)
}

// addKind checks k and adds it to the table and to d.
func (s *Server) addKind(d *provider.Description, k *provider.Kind) error {
	switch {
	case k == nil:
		return errors.New("kinds: one is nil")
	case k.Err() != nil:
		return k.Err()
	case s.kinds[k.Description.Name] != nil:
		return fmt.Errorf("kind %q is registered twice", k.Description.Name)
	}
	name := k.Description.Name
	entry := &kind{Kind: k, actions: map[string]action{}}
	var err, stateErr error
	if entry.spec, err = compile(k.Description.Spec); err != nil {
		return fmt.Errorf("kind %q: spec: %w", name, err)
	}
	if _, stateErr = compile(k.Description.State); stateErr != nil {
		return fmt.Errorf("kind %q: state: %w", name, stateErr)
	}
	for _, a := range k.Description.Actions {
		if k.Actions[a.Name] == nil {
			return fmt.Errorf("kind %q: action %q has no function", name, a.Name)
		}
		v, err := compile(a.Input)
		if err != nil {
			return fmt.Errorf("kind %q: action %q: input: %w", name, a.Name, err)
		}
		entry.actions[a.Name] = action{ActionDescription: a, do: k.Actions[a.Name], input: v}
	}
	s.kinds[name] = entry
	described := k.Description
	described.Verbs = verbs(k)
	d.Kinds = append(d.Kinds, described)
	return nil
}

// verbs tells what k offers by its entry points, which are what gets called.
func verbs(k *provider.Kind) []provider.Verb {
	all := []provider.Verb{
		provider.VerbCreate, provider.VerbGet, provider.VerbList,
		provider.VerbUpdate, provider.VerbDelete, provider.VerbFindByToken,
		provider.VerbLogs, provider.VerbConsole,
	}
	has := map[provider.Verb]bool{
		provider.VerbCreate: k.Create != nil, provider.VerbGet: k.Get != nil, provider.VerbList: k.List != nil,
		provider.VerbUpdate: k.Update != nil, provider.VerbDelete: k.Delete != nil,
		provider.VerbFindByToken: k.FindByToken != nil, provider.VerbLogs: k.Logs != nil, provider.VerbConsole: k.Console != nil,
	}
	return slices.DeleteFunc(all, func(v provider.Verb) bool { return !has[v] })
}

func compile(raw []byte) (*schema.Validator, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	return schema.Compile(raw)
}

// kind returns a registered kind by name.
func (s *Server) kind(name string) (*kind, error) {
	if k := s.kinds[name]; k != nil {
		return k, nil
	}
	return nil, fault.Unsupported("plugin %q has no kind %q", s.description.Name, name)
}

// verb is the fault for a verb that a kind does not offer.
func (k *kind) verb(v provider.Verb) error {
	return fault.Unsupported("kind %q cannot %s", k.Description.Name, v)
}

// checkSpec validates spec when the author gave a schema.
func (k *kind) checkSpec(spec []byte) error {
	if k.spec == nil {
		return nil
	}
	return k.spec.Validate(spec, "spec")
}
