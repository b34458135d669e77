package access_test

import (
	"testing"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func TestWhatBelongsToTheBrokerIsOfItsRootAlone(t *testing.T) {
	t.Parallel()
	d := sample()
	a, err := access.New(access.Config{Directory: d, Home: func(store.Reader) (string, error) { return "op", nil }})
	if err != nil {
		t.Fatal(err)
	}
	here, there := caller(d, "op", access.RoleSuperadmin), caller(d, "op2", access.RoleSuperadmin)
	one := func(c access.Caller, id string) access.Target {
		return access.Target{OrgID: c.RootID, Thing: "plugin", ID: id}
	}
	cases := map[string]struct {
		reason string
		caller access.Caller
		right  access.Right
		id     string
		want   fault.Class
	}{
		"Read":        {"the broker's own superadmin sees its plugins", here, access.PluginRead, "ucloud", 0},
		"Write":       {"and changes them", here, access.PluginWrite, "ucloud", 0},
		"Metrics":     {"and reads the metrics", here, access.SystemMetrics, "", 0},
		"Other":       {"of its own root, others do everything", there, access.UserRead, "u", 0},
		"OtherRead":   {"a plugin answers others as one that does not exist", there, access.PluginRead, "ucloud", fault.ClassNotFound},
		"OtherWrite":  {"to be changed as well", there, access.PluginWrite, "ucloud", fault.ClassNotFound},
		"OtherList":   {"the list is refused", there, access.PluginRead, "", fault.ClassForbidden},
		"OtherNumber": {"as the metrics are", there, access.SystemMetrics, "", fault.ClassForbidden},
		"OtherCopy":   {"and the backup", there, access.SystemBackup, "", fault.ClassForbidden},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := a.Check(nil, tc.caller, tc.right, one(tc.caller, tc.id))
			if tc.want == 0 && err != nil || tc.want != 0 && !fault.Is(err, tc.want) {
				t.Errorf("%s: got %v", tc.reason, err)
			}
		})
	}
}
