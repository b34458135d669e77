package v1

import (
	"slices"

	"tradewind.example/core/access"
)

// standpoint is where a caller looks from. It sees its own seller and what is
// below itself; who stands above the seller is hidden from it.
type standpoint struct{ caller access.Caller }

// above lists who stands above the caller's seller, from the root on.
func (s standpoint) above() []string {
	return s.caller.Path[:max(len(s.caller.Path)-2, 0)]
}

// shown returns org, or "" when it stands above the caller's seller.
func (s standpoint) shown(org string) string {
	if slices.Contains(s.above(), org) {
		return ""
	}
	return org
}

// from cuts what stands above the caller's seller off a path.
func (s standpoint) from(path []string) []string {
	hidden := s.above()
	if len(path) < len(hidden) || !slices.Equal(path[:len(hidden)], hidden) {
		return rows(path)
	}
	return rows(path[len(hidden):])
}
