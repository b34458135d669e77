package sim

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// snapshot is everything that a client can list.
func (l *lab) snapshot(app, env, cluster string) map[string]any {
	l.t.Helper()
	page := []string{"PageNumber", "1", "PageSize", "100"}
	out := map[string]any{}
	for action, params := range map[string][]string{
		"ListApp": nil, "ListAppEnvironment": append([]string{"AppId", app}, page...), "ListDeployConfig": {"AppId", app},
		"ListAppInstance": append([]string{"AppId", app, "EnvId", env}, page...), "ListDeployOrders": append([]string{"AppId", app}, page...),
		"ListCluster": nil, "ListClusterNode": {"ClusterInstanceId", cluster}, "DescribeDatabases": {"InstanceId", "rm-sim-mysql"},
		"DescribeRdsAccounts": {"DbInstanceId", "rm-sim-mysql"}, "ListPersistentVolumeClaim": append([]string{"AppId", app, "EnvId", env}, page...),
	} {
		body := maps.Clone(l.ok(action, params...).body)
		delete(body, "RequestId")
		out[action] = body
	}
	return out
}

// furnish makes some of everything that takes time, and returns its ids.
func (l *lab) furnish() (app, env, cluster string) {
	l.t.Helper()
	app = l.ok("CreateApp", "BizCode", "JST", "Language", "Java", "OperatingSystem", "Linux", "ServiceType", "GeneralApplication", "Title", "kept",
		"UserRoles.1.RoleName", "Owner", "UserRoles.1.UserId", "user-1", "UserRoles.1.UserType", "TAOBAO").id("AppId")
	schema := l.ok("CreateDeployConfig", "AppId", app, "EnvType", "online", "Name", "main").id("SchemaId")
	env = l.ok("CreateEnvironment", "AppId", app, "AppSchemaId", schema, "EnvName", "live", "EnvType", "1", "Region", "cn-hangzhou", "Replicas", "2").id("AppEnvId")
	made := l.ok("CreateCluster", "BusinessCode", "JST", "ClusterEnvType", "PRO", "ClusterTitle", "c", "ClusterType", "Serverless", "VpcId", "v",
		"Vswitchids.1", "w", "Password", "Horse-battery-1")
	cluster, _ = made.field("Result.ClusterInstanceId").(string)
	l.wait(1)
	l.ok("AddClusterNode", "ClusterInstanceId", cluster, "EcsInstanceIdList.1", "i-cn-hangzhou-1")
	l.ok("CreateDb", "DbInstanceId", "rm-sim-mysql", "DbName", "shop", "CharacterSetName", "utf8")
	l.ok("CreatePersistentVolumeClaim", "AppId", app, "EnvId", env, "Name", "pvc", "AccessModes", "ReadWriteMany", "Capacity", "10Gi", "StorageClass", "nas")
	l.ok("DeployApp", "EnvId", env, "Name", "r", "TotalPartitions", "2", "PauseType", "first")
	l.wait(3)
	return app, env, cluster
}

func TestStateOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	keep := func(c *Config) { c.StateFile = path }
	l := newLab(t, keep)
	app, env, cluster := l.furnish()
	if r := l.call("ResumeDeploy", "DeployOrderId", "1"); r.code() == "0" {
		t.Fatal("a refused call must come between")
	}
	if err := l.cloud.SetFaults(Fault{Kind: KindInstallFail, Count: 1}); err != nil {
		t.Fatal(err)
	}
	l.ok("CreateCluster", "BusinessCode", "JST", "ClusterEnvType", "TEST", "ClusterTitle", "d", "ClusterType", "Serverless", "VpcId", "v", "Vswitchids.1", "w", "KeyPair", "k")
	l.wait(2)
	want := l.snapshot(app, env, cluster)
	text, err := os.ReadFile(path) //nolint:gosec // the test's own file
	if err != nil || strings.Contains(string(text), "Horse") || strings.Contains(string(text), "testsecret") || strings.Contains(string(text), "Signature") {
		t.Errorf("the file holds no secret: %v", err)
	}
	if err := os.WriteFile(path, append(text, []byte(`{"at":"`+strings.Repeat("2", 5000))...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := newLab(t, keep)
	if d := cmp.Diff(want, again.snapshot(app, env, cluster)); d != "" {
		t.Errorf("after a kill in the middle of a line (-before +after):\n%s", d)
	}
	if got := again.cloud.Report(10); len(got.BoughtTwice) != 0 || got.Hosts != 1 || got.Bought["cluster"]["one/c"].Orders != 1 {
		t.Errorf("the report after it: %+v", got)
	}
	if again.cloud.Now().Before(l.cloud.Now().Add(-time.Second)) {
		t.Errorf("the clock went back from %v to %v", l.cloud.Now(), again.cloud.Now())
	}
	if err := again.cloud.Close(); err != nil {
		t.Error(err)
	}
	if r := again.call("ListApp"); r.code() != "InternalError" || r.status != 500 {
		t.Errorf("after its end: HTTP %d %s", r.status, r.raw)
	}
}

func TestStateOfAnotherConfiguration(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, line, want string }{
		"Account": {"accounts must be there", `{"account":"nobody","action":"CreateApp"}`, "nobody"},
		"Action":  {"only changes are kept", `{"account":"one","action":"ListApp"}`, "ListApp"},
		"Refused": {"what is kept was done", `{"account":"one","action":"DeleteCluster","values":{"ClusterInstanceId":"c0"}}`, "c0"},
		"Numbers": {"numbers are the same again", `{"account":"one","action":"CreateDb","seq":7,"values":{"DbInstanceId":"rm-sim-mysql","DbName":"ab","CharacterSetName":"utf8"}}`, "7"},
		"Text":    {"lines are JSON", `x`, "line 1"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, []byte(tc.line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := New(Config{Accounts: testAccounts(), StateFile: path})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v, want %q", tc.reason, err, tc.want)
			}
		})
	}
}

// TestFilesThatCannotBeWritten: nothing is answered as done any more.
func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	l := newLab(t, func(c *Config) { c.StateFile = path })
	if err := l.cloud.journal.Close(); err != nil {
		t.Fatal(err)
	}
	l.call("CreateDb", "DbInstanceId", "rm-sim-mysql", "DbName", "shop", "CharacterSetName", "utf8")
	if r := l.call("ListApp"); r.code() != "InternalError" {
		t.Errorf("it goes on: %s", r.raw)
	}
	if _, err := New(Config{Accounts: testAccounts(), StateFile: filepath.Join(path, "none")}); err == nil {
		t.Error("a file that cannot be opened is told")
	}
}

// TestApplicationsFromTheStart are paged like all others.
func TestApplicationsFromTheStart(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(c *Config) { c.Accounts[0].Apps = 25 })
	titles := map[string]bool{}
	for page := range 3 {
		for _, row := range l.ok("ListApp", "PageSize", "10", "PageNumber", string(rune('1'+page))).rows() {
			m, _ := row.(map[string]any)
			titles[m["Title"].(string)] = true
		}
	}
	if len(titles) != 25 || !slices.Contains(slices.Collect(maps.Keys(titles)), "app-25") {
		t.Errorf("there are %d", len(titles))
	}
	if rows := l.ok("ListApp", "PageSize", "10", "PageNumber", "4").rows(); len(rows) != 0 {
		t.Errorf("behind the end there are %v", rows)
	}
}
