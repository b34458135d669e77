package provider

import (
	"encoding/json"

	"tradewind.example/sdk/fault"
)

// The types of events that the core acts on. This list is closed: events of
// other types are information, which the core counts and does nothing about.
//
// An event says that something changed, never what: the core asks the plugin and
// believes the answer. Events of things that the core does not know are counted
// and dropped, so a plugin may tell of everything it sees.
const (
	// EventOperationChanged says that a started change has come to its end, or is
	// worth asking about now. Data is an [OperationChanged].
	EventOperationChanged = "operation.changed"
	// EventResourceChanged says that a resource is not what it was: Kind and
	// ResourceID, the cloud's own, name it.
	EventResourceChanged = "resource.changed"
)

// OperationChanged is the Data of an [EventOperationChanged].
type OperationChanged struct {
	Operation string `json:"operation"` // as in Change.Operation
}

// OperationEvent makes the event of an operation. Its cursor is the caller's to
// choose: the same one again is the same event.
func OperationEvent(cursor, operation string) Event {
	data, err := json.Marshal(OperationChanged{Operation: operation})
	if err != nil {
		data = nil // a struct of one text is always encoded
	}
	return Event{Cursor: cursor, Type: EventOperationChanged, Data: data}
}

// ResourceEvent makes the event of a resource, see [OperationEvent].
func ResourceEvent(cursor, kind, resourceID string) Event {
	return Event{Cursor: cursor, Type: EventResourceChanged, Kind: kind, ResourceID: resourceID}
}

// Operation returns the operation that an [EventOperationChanged] is about, or an
// invalid fault.
func (e Event) Operation() (string, error) {
	var what OperationChanged
	if err := json.Unmarshal(e.Data, &what); err != nil || what.Operation == "" {
		return "", fault.Invalid("data.operation", "must name the operation")
	}
	return what.Operation, nil
}
