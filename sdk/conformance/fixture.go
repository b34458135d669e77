package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// ReadFixture reads a fixture from a JSON document, for checking a binary. Its
// fields are those of [Fixture] in lower case; unknown ones are refused. It
// holds secrets: keep the file to its owner.
//
//	{
//	  "account": {"id": "a", "endpoint": "", "settings": {}, "credentials": {"api_key": "…"}},
//	  "wrong":   {…}, "other": {…},
//	  "region": "east", "zone": "", "locale": "zh-CN",
//	  "kinds": {"instance": {
//	    "name": "web", "spec": {…}, "update": {…}, "actions": {"reboot": {}}, "many": 3,
//	    "term": {"billing": "prepaid", "period": "month", "periods": 1, "quantity": 1},
//	    "commands": {"exit": ["sh", "-c", "exit 3"], "code": 3, "says": "", "echo": ["cat"], "flood": ["yes"]}
//	  }},
//	  "own": ["instance"],
//	  "big": {"account": {…}, "stream": "list", "kind": "instance", "rows": 100000},
//	  "window": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
//	  "sub_account": "reseller-1", "alone": false,
//	  "switches": {"lose": {…}, "slow": {…}, "refused": {"out_of_stock": {…}}}
//	}
//
// The switches are settings to put over those of the account; see [Switches].
func ReadFixture(r io.Reader) (Fixture, error) {
	var doc fixtureDoc
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return Fixture{}, fmt.Errorf("reading the fixture: %w", err)
	}
	return doc.fixture()
}

type fixtureDoc struct {
	Account  accountDoc         `json:"account"`
	Wrong    accountDoc         `json:"wrong"`
	Other    accountDoc         `json:"other"`
	Region   string             `json:"region"`
	Zone     string             `json:"zone"`
	Locale   string             `json:"locale"`
	Kinds    map[string]kindDoc `json:"kinds"`
	Own      []string           `json:"own"`
	Big      *bigDoc            `json:"big"`
	Window   windowDoc          `json:"window"`
	Sub      string             `json:"sub_account"`
	Alone    bool               `json:"alone"`
	Switches *switchesDoc       `json:"switches"`
}

type accountDoc struct {
	ID          string                  `json:"id"`
	Endpoint    string                  `json:"endpoint"`
	Credentials map[string]secret.Value `json:"credentials"`
	Settings    map[string]string       `json:"settings"`
}

func (a accountDoc) account() provider.Account { return provider.Account(a) }

type kindDoc struct {
	Name    string                     `json:"name"`
	Spec    json.RawMessage            `json:"spec"`
	Update  json.RawMessage            `json:"update"`
	Term    termDoc                    `json:"term"`
	Actions map[string]json.RawMessage `json:"actions"`
	Many    int                        `json:"many"`

	Commands *commandsDoc `json:"commands"`
}

type commandsDoc struct {
	Exit  []string `json:"exit"`
	Code  int      `json:"code"`
	Says  string   `json:"says"`
	Echo  []string `json:"echo"`
	Flood []string `json:"flood"`
}

type termDoc struct {
	Billing  provider.BillingMethod `json:"billing"`
	Period   provider.Period        `json:"period"`
	Periods  int                    `json:"periods"`
	Quantity int                    `json:"quantity"`
}

type bigDoc struct {
	Account accountDoc `json:"account"`
	Stream  Stream     `json:"stream"`
	Kind    string     `json:"kind"`
	Rows    int        `json:"rows"`
}

type windowDoc struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type switchesDoc struct {
	Lose    map[string]string            `json:"lose"`
	Slow    map[string]string            `json:"slow"`
	Refused map[string]map[string]string `json:"refused"`
}

func (d fixtureDoc) fixture() (Fixture, error) {
	f := Fixture{
		Account: d.Account.account(), Wrong: d.Wrong.account(), Other: d.Other.account(),
		Region: d.Region, Zone: d.Zone, Locale: d.Locale, Window: Window(d.Window), SubAccount: d.Sub, Own: d.Own, Kinds: map[string]Kind{},
	}
	for name, k := range d.Kinds {
		f.Kinds[name] = Kind{Name: k.Name, Spec: k.Spec, Update: k.Update, Term: provider.Term(k.Term), Actions: maps.Clone(k.Actions), Many: k.Many, Commands: (*Commands)(k.Commands)}
	}
	if d.Big != nil {
		f.Big = &Big{Account: d.Big.Account.account(), Stream: d.Big.Stream, Kind: d.Big.Kind, Rows: d.Big.Rows}
	}
	if d.Switches == nil {
		return f, nil
	}
	s := &Switches{Lose: d.Switches.Lose, Slow: d.Switches.Slow, Refused: map[fault.Class]map[string]string{}}
	for name, settings := range d.Switches.Refused {
		class, ok := classNamed(name)
		if !ok {
			return Fixture{}, fmt.Errorf("reading the fixture: switches.refused: %q is not a class of faults", name)
		}
		s.Refused[class] = settings
	}
	f.Cloud = s
	return f, nil
}

func classNamed(name string) (fault.Class, bool) {
	for _, c := range fault.Classes() {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}
