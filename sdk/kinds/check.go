package kinds

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/schema"
)

// common is what kinds of one name have in common.
type common struct {
	spec, state reflect.Type
	actions     map[string]reflect.Type
}

// of returns what kinds of a name have in common; ok is false for other names.
func of(name string) (out common, ok bool) {
	none, named := reflect.TypeFor[None](), reflect.TypeFor[NameInput]()
	instance, bandwidth, renewal := reflect.TypeFor[InstanceRef](), reflect.TypeFor[BandwidthSize](), reflect.TypeFor[RenewalPeriod]()
	out, ok = map[string]common{
		Instance: {reflect.TypeFor[InstanceSpec[InstanceDisk]](), reflect.TypeFor[InstanceState](), map[string]reflect.Type{
			ActionStart: none, ActionStop: reflect.TypeFor[StopInput](), ActionReboot: none, ActionConsole: none,
			ActionResetPassword: reflect.TypeFor[PasswordInput](), ActionRename: named, ActionResize: reflect.TypeFor[InstanceSize](),
			ActionAutoRenew: renewal, ActionStopAutoRenew: none, ActionRenewalRule: none,
		}},
		Image: {reflect.TypeFor[ImageSpec](), reflect.TypeFor[ImageState](), map[string]reflect.Type{ActionRename: named}},
		Disk: {reflect.TypeFor[DiskSpec](), reflect.TypeFor[DiskState](), map[string]reflect.Type{
			ActionAttach: instance, ActionDetach: none, ActionResize: reflect.TypeFor[DiskSize](), ActionRename: named,
			ActionAutoRenew: renewal, ActionStopAutoRenew: none, ActionRenewalRule: none,
		}},
		VPC:     {reflect.TypeFor[VPCSpec](), reflect.TypeFor[VPCState](), map[string]reflect.Type{ActionRename: named}},
		Subnet:  {reflect.TypeFor[SubnetSpec](), reflect.TypeFor[SubnetState](), map[string]reflect.Type{ActionRename: named}},
		Gateway: {reflect.TypeFor[GatewaySpec](), reflect.TypeFor[GatewayState](), map[string]reflect.Type{ActionRename: named}},
		EIP: {reflect.TypeFor[EIPSpec](), reflect.TypeFor[EIPState](), map[string]reflect.Type{
			ActionBind: instance, ActionUnbind: none, ActionResize: bandwidth, ActionRename: named,
			ActionAutoRenew: renewal, ActionStopAutoRenew: none, ActionRenewalRule: none,
		}},
		Bandwidth: {reflect.TypeFor[BandwidthSpec](), reflect.TypeFor[BandwidthState](), map[string]reflect.Type{
			ActionAddEIP: reflect.TypeFor[EIPRef](), ActionRemoveEIP: reflect.TypeFor[EIPRef](), ActionResize: bandwidth, ActionRename: named,
		}},
		SecurityGroup: {reflect.TypeFor[SecurityGroupSpec](), reflect.TypeFor[SecurityGroupState](), map[string]reflect.Type{
			ActionAddRule: reflect.TypeFor[Rule](), ActionRemoveRule: reflect.TypeFor[RuleRef](), ActionBindings: none,
			ActionBind: instance, ActionUnbind: instance, ActionRename: named,
		}},
	}[name]
	return out, ok
}

// Names returns the names of the common kinds, in the order of the constants.
func Names() []string {
	return []string{Instance, Image, Disk, VPC, Subnet, Gateway, EIP, Bandwidth, SecurityGroup}
}

// Check tells in what a kind differs from the common kind of its name: fields
// and inputs that are missing, that are of another type, or that must be given
// although they are peculiar to this cloud, so that a common call is refused.
// It is nil for a kind of any other name.
func Check(d provider.KindDescription) error { return check(d, true) }

// CheckTypes is Check for a kind that has a common name and fields of its own:
// only what is named like a common field must be like it.
func CheckTypes(d provider.KindDescription) error { return check(d, false) }

func check(d provider.KindDescription, whole bool) error {
	c, ok := of(d.Name)
	if !ok {
		return nil
	}
	errs := []error{compare(d.Name+".state", c.state, d.State, side{whole: whole})}
	if slices.Contains(d.Verbs, provider.VerbCreate) {
		errs = append(errs, compare(d.Name+".spec", c.spec, d.Spec, side{whole: whole, given: true}))
	}
	for _, a := range d.Actions {
		if input, ok := c.actions[a.Name]; ok {
			errs = append(errs, compare(d.Name+"."+a.Name+".input", input, a.Input, side{whole: whole, given: true}))
		}
		if out, ok := answers()[a.Name]; ok {
			errs = append(errs, compare(d.Name+"."+a.Name+".output", out, a.Output, side{whole: whole}))
		}
	}
	return errors.Join(errs...)
}

// answers are the outputs of the actions that answer something.
func answers() map[string]reflect.Type {
	return map[string]reflect.Type{
		ActionConsole: reflect.TypeFor[Console](), ActionBindings: reflect.TypeFor[Bindings](), ActionRenewalRule: reflect.TypeFor[RenewalRule](),
	}
}

// side tells how documents of a schema are held to the common one.
type side struct {
	whole bool // nothing may be missing
	given bool // the caller gives them, so nothing peculiar may be required
}

// node is what is compared of a schema.
type node struct {
	Type       any             `json:"type"`
	Secret     bool            `json:"x-secret"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	Items      *node           `json:"items"`
}

func compare(path string, want reflect.Type, got json.RawMessage, s side) error {
	raw, err := schema.ForType(want)
	if err != nil {
		return err
	}
	var a, b node
	if err := json.Unmarshal(raw, &a); err != nil {
		return fmt.Errorf("%s: reading the common schema: %w", path, err)
	}
	if len(got) == 0 {
		got = json.RawMessage(`{}`)
	}
	if err := json.Unmarshal(got, &b); err != nil {
		return fmt.Errorf("%s: reading the schema: %w", path, err)
	}
	return alike(path, a, b, s)
}

// alike compares what both schemas name.
func alike(path string, want, got node, s side) error {
	if want.Type != nil && got.Type != nil && !reflect.DeepEqual(want.Type, got.Type) {
		return fmt.Errorf("%s: is of the type %v; the common kind has %v", path, got.Type, want.Type)
	}
	if want.Secret != got.Secret {
		return fmt.Errorf("%s: is secret: %t; in the common kind: %t", path, got.Secret, want.Secret)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		field, ok := got.Properties[name]
		switch {
		case ok:
			errs = append(errs, alike(path+"."+name, want.Properties[name], field, s))
		case s.whole && slices.Contains(want.Required, name):
			errs = append(errs, fmt.Errorf("%s.%s: is missing; the common kind has it", path, name))
		}
	}
	for _, name := range got.Required {
		if s.whole && s.given && !slices.Contains(want.Required, name) {
			errs = append(errs, fmt.Errorf("%s.%s: must be given, and the common kind does not have or need it: give it a default", path, name))
		}
	}
	if want.Items != nil && got.Items != nil {
		errs = append(errs, alike(path+"[]", *want.Items, *got.Items, s))
	}
	return errors.Join(errs...)
}
