package sim

import (
	"fmt"
	"testing"
)

// deployed makes an application with a configuration and an environment of
// four copies, and returns their ids.
func (l *lab) deployed() (app, config, env string) {
	l.t.Helper()
	app = l.ok("CreateApp", "BizCode", "JST", "Language", "Java", "OperatingSystem", "Linux", "ServiceType", "GeneralApplication",
		"Title", fmt.Sprint("shop-", l.nonce.Load()), "UserRoles.1.RoleName", "Owner", "UserRoles.1.UserId", "user-1", "UserRoles.1.UserType", "TAOBAO").id("AppId")
	config = l.ok("CreateDeployConfig", "AppId", app, "EnvType", "online", "Name", "main", "Deployment", "a2luZDogRGVwbG95bWVudA==").id("SchemaId")
	env = l.ok("CreateEnvironment", "AppId", app, "AppSchemaId", config, "EnvName", "prod", "EnvType", "1", "Region", "cn-hangzhou", "Replicas", "4").id("AppEnvId")
	return app, config, env
}

func TestDeployOrders(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, pause string
		// after each step: the status, and how many instances run
		steps  []string
		resume bool
	}{
		"None":  {"it runs through", "none", []string{"1/0", "1/2", "3/4"}, false},
		"First": {"it stops after the first batch until it is resumed", "first", []string{"1/0", "2/2", "1/2", "3/4"}, true},
		"Each":  {"the last batch ends it", "each", []string{"1/0", "2/2", "1/2", "3/4"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			app, _, env := l.deployed()
			id := l.ok("DeployApp", "EnvId", env, "Name", "r1", "TotalPartitions", "2", "PauseType", c.pause).id("DeployOrderId")
			for i, want := range c.steps {
				o := l.ok("DescribeDeployOrderDetail", "DeployOrderId", id)
				n := len(l.ok("ListAppInstance", "AppId", app, "EnvId", env, "PageNumber", "1", "PageSize", "10").rows())
				if got := fmt.Sprint(o.field("Result.Status"), "/", n); got != want {
					t.Fatalf("%s: step %d is %s, want %s", c.reason, i, got, want)
				}
				if fmt.Sprint(o.field("Result.Status")) == "2" {
					l.ok("ResumeDeploy", "DeployOrderId", id)
					continue
				}
				if l.call("ResumeDeploy", "DeployOrderId", id).code() != fmt.Sprint(codeConflict) {
					t.Error("only a paused order can be resumed")
				}
				l.wait(1)
			}
		})
	}
}

func TestOneOrderAtATime(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	app, _, env := l.deployed()
	id := l.ok("DeployApp", "EnvId", env, "Name", "r1", "TotalPartitions", "2").id("DeployOrderId")
	if r := l.call("ScaleApp", "EnvId", env, "Replicas", "1"); r.code() != fmt.Sprint(codeConflict) {
		t.Errorf("an order is open: %s", r.raw)
	}
	l.ok("CloseDeployOrder", "DeployOrderId", id)
	o := l.ok("DescribeDeployOrderDetail", "DeployOrderId", id)
	if fmt.Sprint(o.field("Result.Status"), o.field("Result.Result")) != "34" {
		t.Errorf("a closed order is finished and failed by hand: %s", o.raw)
	}
	l.ok("DeployApp", "EnvId", env, "Name", "r2", "TotalPartitions", "1")
	l.wait(1)
	l.ok("ScaleApp", "EnvId", env, "Replicas", "1")
	l.wait(1)
	r := l.ok("ListAppInstance", "AppId", app, "EnvId", env, "PageNumber", "1", "PageSize", "10")
	if len(r.rows()) != 1 {
		t.Errorf("one copy is left: %s", r.raw)
	}
	if n := len(l.ok("ListDeployOrders", "AppId", app, "PageNumber", "1", "PageSize", "10", "DeployCategory", "scale").rows()); n != 1 {
		t.Errorf("the filter by category keeps one of three orders, got %d", n)
	}
}

// cluster makes a running cluster with two nodes.
func (l *lab) cluster() string {
	l.t.Helper()
	id, _ := l.ok("CreateCluster", "BusinessCode", "JST", "ClusterEnvType", "PRO", "ClusterTitle", "main", "ClusterType", "Standard", "VpcId", "vpc-sim",
		"Vswitchids.1", "vsw-1", "Password", "Abcdef1!", "PodCIDR", "172.20.0.0/16", "ServiceCIDR", "172.21.0.0/20").field("Result.ClusterInstanceId").(string)
	l.wait(1)
	l.ok("AddClusterNode", "ClusterInstanceId", id, "EcsInstanceIdList.1", "i-cn-hangzhou-1", "EcsInstanceIdList.2", "i-cn-hangzhou-2")
	l.wait(1)
	return id
}

func TestClusterLife(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.cluster()
	row, _ := l.ok("ListCluster", "EnvType", "PRO").rows()[0].(map[string]any)
	if row["Status"] != "running" || row["Password"] != masked || len(row["EcsIds"].([]any)) != 2 {
		t.Errorf("it runs with two nodes and hides its password: %v", row)
	}
	if n := len(l.ok("ListAvailableClusterNode", "ClusterInstanceId", id).rows()); n != 2 {
		t.Errorf("two of four instances are left: %d", n)
	}
	l.ok("RemoveClusterNode", "ClusterInstanceId", id, "EcsInstanceIdList.1", "i-cn-hangzhou-1")
	l.wait(1)
	if r := l.call("RemoveClusterNode", "ClusterInstanceId", id, "EcsInstanceIdList.1", "i-cn-hangzhou-1"); r.code() == "0" {
		t.Error("an instance that is no node cannot be removed")
	}
	l.ok("DeleteCluster", "ClusterInstanceId", id)
	l.wait(1)
	if r := l.call("DeleteCluster", "ClusterInstanceId", id); r.code() != fmt.Sprint(codeNotFound) {
		t.Errorf("it is gone: %s", r.raw)
	}
	for _, c := range l.cloud.Calls(100) {
		if c.Params["Password"] != "" && c.Params["Password"] != masked {
			t.Error("the call log shows a password")
		}
	}
}
