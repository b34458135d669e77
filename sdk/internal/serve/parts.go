package serve

import (
	"errors"
	"fmt"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// checkPartKinds finds kinds that consist of what is not registered.
func (s *Server) checkPartKinds(all []provider.KindDescription) error {
	var problems []error
	for _, k := range all {
		for _, part := range k.PartKinds {
			if s.kinds[part] == nil {
				problems = append(problems, fmt.Errorf("kind %q: consists of %q, which is no registered kind", k.Name, part))
			}
		}
	}
	return errors.Join(problems...)
}

// bounded refuses a resource with more parts than an answer may have; nil has
// none. outcome is that of the call.
func bounded(outcome fault.Outcome, r *provider.Resource) error {
	if r == nil || len(r.Parts) <= provider.MaxParts {
		return nil
	}
	e := fault.Internal(nil, "the plugin tells %d parts of %s %q, more than %d: tell what counts most", len(r.Parts), r.Kind, r.ID, provider.MaxParts)
	e.Outcome = outcome
	return e
}

// row is a resource in a list, which does not tell parts.
func row(r provider.Resource) *pb.Resource {
	r.Parts = nil
	return convert.ResourceToWire(r)
}
