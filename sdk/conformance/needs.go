package conformance

import (
	"slices"
	"strings"

	"tradewind.example/sdk/provider"
)

// The needs of rules: each answers what is missing, "" when nothing is.

func kindsGiven(s *session) string {
	if len(s.fix.Kinds) == 0 {
		return "the fixture has no kinds"
	}
	return ""
}

func accountGiven(s *session) string {
	if s.fix.Account.ID == "" {
		return "the fixture names no account"
	}
	return ""
}

func wrongGiven(s *session) string {
	if len(s.fix.Wrong.Credentials) == 0 {
		return "the fixture has no account with wrong credentials"
	}
	return ""
}

func otherGiven(s *session) string {
	if s.fix.Other.ID == "" {
		return "the fixture has no second account"
	}
	return ""
}

// credentialsTaken tells whether accounts have credentials that can be wrong.
func credentialsTaken(s *session) string {
	if len(shapeOf(s.d.Config).secrets()) == 0 {
		return "accounts have no credentials"
	}
	return ""
}

// asksSomebody tells whether there is anybody who can fail.
func asksSomebody(s *session) string {
	if s.fix.Alone {
		return "the plugin asks nobody: nothing can fail, be slow or get lost"
	}
	return ""
}

func cloudGiven(s *session) string {
	if s.fix.Cloud == nil {
		return "the fixture's cloud cannot be made to fail"
	}
	return ""
}

func regionsGiven(s *session) string {
	if !s.d.Regions.HasRegions {
		return "the cloud has no regions"
	}
	return ""
}

func configGiven(s *session) string {
	if len(s.d.Config) == 0 {
		return "accounts have no config"
	}
	return ""
}

func binaryGiven(s *session) string {
	if s.process == nil {
		return "needs the built binary: nothing of a test's own output belongs to the plugin"
	}
	return ""
}

func ownPlugin(s *session) string {
	if s.target.Conn != nil {
		return "the plugin was started by somebody else"
	}
	return ""
}

// orders needs an account and a kind with the verbs that the fixture can order.
func orders(verbs ...provider.Verb) need {
	return func(s *session) string {
		if what := accountGiven(s); what != "" {
			return what
		}
		switch {
		case len(s.orderable(verbs...)) > 0:
			return ""
		case len(verbs) == 0:
			return "the fixture has no spec of a described kind"
		}
		return "the fixture has no spec of a kind that offers " + strings.Join(words(verbs), " and ")
	}
}

// orderable returns the kinds with the verbs that the fixture can order.
func (s *session) orderable(verbs ...provider.Verb) []provider.KindDescription {
	return slices.DeleteFunc(s.described(verbs...), func(k provider.KindDescription) bool {
		_, ok := s.fix.Kinds[k.Name]
		return !ok
	})
}
