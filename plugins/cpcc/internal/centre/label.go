package centre

import (
	"context"
	"regexp"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/fault"
)

// The types of labels.
const (
	LabelInstance = "instance"
	LabelNode     = "node"
)

// LabelSpec is what the operator says of a label.
type LabelSpec struct {
	Name  string `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	Type  string `json:"label_type" required:"true" enum:"instance,node" title:"Type"`
	Key   string `json:"label_key" required:"true" title:"Key"`
	Value string `json:"label_value" required:"true" title:"Value"`
}

// Label is one label that can be put on nodes or workloads.
type Label struct {
	ID      string    `json:"id" title:"Label"`
	Name    string    `json:"name" title:"Name"`
	Type    string    `json:"label_type" title:"Type"`
	Key     string    `json:"label_key" title:"Key"`
	Symbol  string    `json:"symbol" title:"Symbol" doc:"= on nodes, : on workloads"`
	Value   string    `json:"label_value" title:"Value"`
	Text    string    `json:"text" title:"Key, symbol and value"`
	Token   string    `json:"token" title:"Token it was made with"`
	Created time.Time `json:"created" title:"Made"`
	Updated time.Time `json:"updated" title:"Changed"`
}

// What Kubernetes takes for a label.
var (
	labelKey   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
)

// CheckLabel returns an invalid fault, with paths below root, unless Kubernetes
// takes the label.
func CheckLabel(root, key, value string) error {
	var bad []fault.Field
	if !labelKey.MatchString(key) {
		bad = append(bad, fault.Field{Path: root + "label_key", Message: "must be a label's key: letters, digits, -, _ and ., at most 63, with an optional prefix and /"})
	}
	if !labelValue.MatchString(value) {
		bad = append(bad, fault.Field{Path: root + "label_value", Message: "must be a label's value: letters, digits, -, _ and ., at most 63"})
	}
	return fault.InvalidFields(bad)
}

// AddLabel makes a label, once per token.
func (b Book) AddLabel(ctx context.Context, token string, s LabelSpec) (Label, error) {
	if err := CheckLabel("spec.", s.Key, s.Value); err != nil {
		return Label{}, err
	}
	symbol := "="
	if s.Type == LabelInstance {
		symbol = ":"
	}
	v := Label{
		ID: area.IDOf("label", token), Name: s.Name, Type: s.Type, Key: s.Key, Symbol: symbol, Value: s.Value,
		Text: s.Key + symbol + s.Value, Token: token, Created: b.Now, Updated: b.Now,
	}
	return insert(ctx, b, labels, v.ID, token, func(*area.Change) (Label, error) { return v, nil })
}

// Label returns one label.
func (b Book) Label(ctx context.Context, id string) (Label, error) {
	row, err := labels.Get(ctx, b.Area, id)
	return row.Value, err
}

// FindLabel returns what a token made; ok is false for nothing.
func (b Book) FindLabel(ctx context.Context, token string) (Label, bool, error) {
	row, err := labels.Find(ctx, b.Area, area.IDOf("label", token))
	return row.Value, row.Revision != 0, err
}

// Labels yields the labels by id.
func (b Book) Labels(ctx context.Context, yield func(Label) error) error {
	return labels.Each(ctx, b.Area, func(r area.Row[Label]) error { return yield(r.Value) })
}

// RemoveLabel removes a label; where it was put it stays.
func (b Book) RemoveLabel(ctx context.Context, id string) error {
	return remove(ctx, b, labels, id, func(*area.Change, Label) error { return nil })
}
