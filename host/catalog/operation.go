package catalog

import (
	"fmt"

	"tradewind.example/sdk/fault"
)

// Action is what an operation does.
type Action string

// The actions.
const (
	ActionInstall  Action = "install"  // adds Entry; the first one of a plugin becomes active
	ActionActivate Action = "activate" // makes Version the active one
	ActionPin      Action = "pin"      // adds Pin, or replaces the one of the same group
	ActionUnpin    Action = "unpin"    // takes the pin of Pin.Group away
	ActionDisable  Action = "disable"  // forbids Version to run
	ActionEnable   Action = "enable"   // lets Version run again
	ActionRemove   Action = "remove"   // takes the entry of Version away
)

// Operation is one change of one plugin. Declared plugins and installed ones are
// made of the same operations.
type Operation struct {
	Action  Action
	Version string // of activate, disable, enable and remove
	Entry   Entry  // of install
	Pin     Pin    // of pin; only its Group counts for unpin
}

// String tells the operation in a few words.
func (o Operation) String() string {
	switch o.Action {
	case ActionInstall:
		return fmt.Sprintf("%s %s", o.Action, o.Entry.Version)
	case ActionPin:
		version := o.Pin.Version
		if version == "" {
			version = "the active version"
		}
		return fmt.Sprintf("%s %s to %s", o.Action, o.Pin.Group, version)
	case ActionUnpin:
		return fmt.Sprintf("%s %s", o.Action, o.Pin.Group)
	}
	return fmt.Sprintf("%s %s", o.Action, o.Version)
}

// apply performs the operation on a copy of a record.
func (r *record) apply(o Operation) error {
	switch o.Action {
	case ActionInstall:
		return r.install(o.Entry)
	case ActionActivate:
		return r.activate(o.Version)
	case ActionPin:
		return r.pin(o.Pin)
	case ActionUnpin:
		return r.unpin(o.Pin.Group)
	case ActionDisable:
		return r.setDisabled(o.Version, true)
	case ActionEnable:
		return r.setDisabled(o.Version, false)
	case ActionRemove:
		return r.remove(o.Version)
	}
	return fault.Invalid("action", "%q is none", o.Action).From(fault.SourceHost)
}
