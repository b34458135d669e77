package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// fact is one action as the vendor's manual and SDK have it.
type fact struct {
	Action, Method, Response string
	Params                   []struct{ Name, Manual, Req, Where string }
}

func facts(t *testing.T) map[string]fact {
	t.Helper()
	b, err := os.ReadFile("testdata/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []fact
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]fact{}
	for _, f := range all {
		out[f.Action] = f
	}
	return out
}

// optional are parameters whose mark as required the simulator does not keep, and the reverse.
var optional = map[string]bool{
	"ListNodeLabelBindings.InstanceId": true, "ListNodeLabelBindings.LabelKey": true, "ListNodeLabelBindings.LabelValue": true,
	"UpdateDeployConfig.CodePath": true,
}

func TestRegistryIsTheManual(t *testing.T) {
	t.Parallel()
	manual, table := facts(t), actionTable()
	if len(manual) != 66 || len(table) != 66 {
		t.Fatalf("the manual has %d actions, the simulator %d: want 66", len(manual), len(table))
	}
	for name, f := range manual {
		act, ok := table[name]
		if !ok || act.http != f.Method || len(act.params) != len(f.Params) {
			t.Errorf("%s: %v %s with %d parameters, the manual has %s with %d", name, ok, act.http, len(act.params), f.Method, len(f.Params))
			continue
		}
		for _, p := range f.Params {
			got, ok := find(act.params, func(x param) bool { return x.name == p.Name })
			need := p.Req == "yes" && !optional[name+"."+p.Name] || name+"."+p.Name == "DeleteAppDetail.AppId"
			if !ok || got.need != need {
				t.Errorf("%s.%s: there %v, required %v, the manual says %s", name, p.Name, ok, got.need, p.Req)
			}
		}
	}
}

// shapeNode is a part of a documented answer: a word of a type, fields, or a list of them.
type shapeNode struct {
	word   string
	list   bool
	fields map[string]*shapeNode
}

// parseShape reads the manual's notation from s up to a closing brace.
func parseShape(s string) (map[string]*shapeNode, string) {
	out := map[string]*shapeNode{}
	for s != "" && s[0] != '}' {
		i := strings.IndexAny(s, ":{[")
		name := strings.Trim(s[:i], ", ")
		n := &shapeNode{}
		s = strings.TrimPrefix(s[i:], ":")
		if rest, ok := strings.CutPrefix(s, "[]"); ok {
			n.list, s = true, rest
		}
		if s[0] == '{' {
			n.fields, s = parseShape(s[1:])
			s = s[1:]
		} else {
			end := strings.IndexAny(s+",", ",}")
			n.word, s = s[:end], s[end:]
		}
		if word, ok := strings.CutSuffix(n.word, "[]"); ok {
			n.word, n.list = word, true
		}
		s = strings.TrimLeft(s, ", ")
		out[name] = n
	}
	return out, s
}

// differs tells how a value differs from its shape; empty when it does not.
func (n *shapeNode) differs(path string, v any) string {
	if n.list {
		all, ok := v.([]any)
		if !ok {
			return path + " is no list"
		}
		one := &shapeNode{word: n.word, fields: n.fields}
		for _, e := range all {
			if d := one.differs(path+"[]", e); d != "" {
				return d
			}
		}
		return ""
	}
	if n.fields != nil {
		m, ok := v.(map[string]any)
		if !ok {
			return path + " is no object"
		}
		if got, want := sortedKeys(m), sortedKeys(n.fields); !slices.Equal(got, want) {
			return fmt.Sprintf("%s has %v, want %v", path, got, want)
		}
		for name, e := range m {
			if d := n.fields[name].differs(path+"."+name, e); d != "" {
				return d
			}
		}
		return ""
	}
	_, isText := v.(string)
	_, isNumber := v.(json.Number)
	_, isTruth := v.(bool)
	if isText == (n.word == "str") && isTruth == (n.word == "bool") && (isText || isTruth || isNumber) {
		return ""
	}
	if isNumber && n.word == "str" { // the SDK reads numbers as texts
		return ""
	}
	return fmt.Sprintf("%s is %v, want %s", path, v, n.word)
}

// walk names every action once with parameters that succeed, in an order in
// which they can. {x} stands for what an earlier answer brought.
func walk() []string {
	const (
		page  = "&PageNumber=1&PageSize=10"
		roles = "&UserRoles.1.RoleName=Owner&UserRoles.1.UserId=user-1&UserRoles.1.UserType=TAOBAO"
		label = "&ClusterId={ClusterInstanceId}&LabelKey=label.jst.com/a&LabelValue=b"
		ports = "&PortMappings.1.Name=web&PortMappings.1.Port=80&PortMappings.1.TargetPort=8080&PortMappings.1.Protocol=TCP"
		store = "&AccessModes=ReadWriteMany&Capacity=10Gi&StorageClass=nas"
	)
	return []string{
		"ListUsers" + page,
		"CreateApp&BizCode=JST&Language=Java&OperatingSystem=Linux&ServiceType=GeneralApplication&Title=shop" + roles,
		"UpdateApp&AppId={AppId}&Description=d" + roles, "ListApp", "DescribeAppDetail&AppId={AppId}",
		"CreateDeployConfig&AppId={AppId}&EnvType=online&Name=main&ConfigMapList.1=YQ==", "UpdateDeployConfig&AppId={AppId}&Id={SchemaId}&CodePath=x",
		"ListDeployConfig&AppId={AppId}",
		"CreateCluster&BusinessCode=JST&ClusterEnvType=PRO&ClusterTitle=c&ClusterType=Serverless&VpcId=v&Vswitchids.1=w&KeyPair=k",
		"ListAvailableClusterNode&ClusterInstanceId={ClusterInstanceId}",
		"AddClusterNode&ClusterInstanceId={ClusterInstanceId}&EcsInstanceIdList.1=i-cn-hangzhou-1", "ListClusterNode&ClusterInstanceId={ClusterInstanceId}",
		"CreateNodeLabel" + label, "BindNodeLabel&InstanceId=i-cn-hangzhou-1" + label, "ListNodeLabels&ClusterId={ClusterInstanceId}" + page,
		"ListNodeLabelBindings&ClusterId={ClusterInstanceId}" + page, "UnbindNodeLabel&InstanceId=i-cn-hangzhou-1" + label, "DeleteNodeLabel&Force=false" + label,
		"CreateEnvironment&AppId={AppId}&AppSchemaId={SchemaId}&EnvName=prod&EnvType=1&Region=cn-hangzhou&Replicas=2",
		"UpdateEnvironment&AppId={AppId}&AppEnvId={AppEnvId}&Replicas=3", "ListAppEnvironment&AppId={AppId}&EnvType=2" + page,
		"DescribeAppEnvironmentDetail&AppId={AppId}&EnvId={AppEnvId}",
		"CreateAppResourceAlloc&AppId={AppId}&AppEnvId={AppEnvId}&ClusterId={ClusterInstanceId}", "ListAppResourceAllocs&AppId={AppId}" + page,
		"DescribeAppResourceAlloc&AppEnvId={AppEnvId}",
		"CreatePersistentVolume&ClusterInstanceId={ClusterInstanceId}&MountTargetDomain=nas.example&Name=pv&NFSVersion=3&ReclaimPolicy=Delete" + store,
		"ListPersistentVolume&ClusterInstanceId={ClusterInstanceId}" + page,
		"CreatePersistentVolumeClaim&AppId={AppId}&EnvId={AppEnvId}&Name=pvc" + store, "ListPersistentVolumeClaim&AppId={AppId}&EnvId={AppEnvId}" + page,
		"DeletePersistentVolumeClaim&AppId={AppId}&EnvId={AppEnvId}&PersistentVolumeClaimName=pvc",
		"CreatePersistentVolume&ClusterInstanceId={ClusterInstanceId}&MountTargetDomain=nas.example&Name=pv2&NFSVersion=4.0&ReclaimPolicy=Retain" + store,
		"DeletePersistentVolume&ClusterInstanceId={ClusterInstanceId}&PersistentVolumeName=pv2",
		"CreateSlbAP&EnvId={AppEnvId}&Name=ap&SlbId=lb-sim-internet&ListenerPort=80&RealServerPort=8080&Protocol=TCP", "ModifySlbAP&SlbAPId={SlbAPId}&EstablishedTimeout=20",
		"DescribeSlbAPDetail&SlbAPId={SlbAPId}", "ListSlbAPs&AppId={AppId}&ProtocolList.1=TCP" + page, "DeleteSlbAP&SlbAPId={SlbAPId}",
		"CreateService&EnvId={AppEnvId}&Name=s&ServiceType=NodePort&K8sServiceId=s" + ports, "ModifyService&ServiceId={ServiceId}&Name=t",
		"DescribeServiceDetail&ServiceId={ServiceId}", "ListServices&AppId={AppId}" + page, "DeleteService&ServiceId={ServiceId}",
		"DeployApp&EnvId={AppEnvId}&Name=r&TotalPartitions=2&PauseType=first", "DescribeDeployOrderDetail&DeployOrderId={DeployOrderId}",
		"ListDeployOrders&AppId={AppId}&StatusList.1=2" + page, "ListPods&DeployOrderId={DeployOrderId}" + page, "ListAppInstance&AppId={AppId}&EnvId={AppEnvId}" + page,
		"DescribePodLog&DeployOrderId={DeployOrderId}&AppInstId={AppInstanceId}", "DescribePodEvents&DeployOrderId={DeployOrderId}&AppInstId={AppInstanceId}",
		"CloseDeployOrder&DeployOrderId={DeployOrderId}", "DeployApp&EnvId={AppEnvId}&Name=r2&TotalPartitions=2&PauseType=first", "ResumeDeploy&DeployOrderId={DeployOrderId}",
		"ScaleApp&EnvId={AppEnvId}&Replicas=1",
		"ListCluster", "CreateDb&DbInstanceId=rm-sim-mysql&DbName=shop&CharacterSetName=utf8",
		"GrantDbToAccount&DbInstanceId=rm-sim-mysql&DbName=shop&AccountName=app&AccountPrivilege=ReadWrite", "DescribeDatabases&InstanceId=rm-sim-mysql",
		"DescribeRdsAccounts&DbInstanceId=rm-sim-mysql", "GetRdsBackUp&DbInstanceId=rm-sim-mysql", "DeleteDatabase&DBInstanceId=rm-sim-mysql&DBName=shop",
		"DeleteRdsAccount&DbInstanceId=rm-sim-mysql&AccountName=app",
		"DeleteAppResourceAlloc&AppEnvId={AppEnvId}", "QueryClusterDetail&ClusterInstanceId={ClusterInstanceId}",
		"DeleteAppEnvironment&AppId={AppId}&EnvId={AppEnvId}&Force=true", "DeleteDeployConfig&SchemaId={SchemaId}", "DeleteAppDetail&AppId={AppId}&Force=false",
		"RemoveClusterNode&ClusterInstanceId={ClusterInstanceId}&EcsInstanceIdList.1=i-cn-hangzhou-1", "DeleteCluster&ClusterInstanceId={ClusterInstanceId}",
	}
}

// TestWalkAllActions sends every action, holds every answer against the
// manual's fields, and leaves out each required parameter once.
func TestWalkAllActions(t *testing.T) {
	t.Parallel()
	l, manual, known := newLab(t), facts(t), map[string]string{}
	for _, line := range walk() {
		action, query, _ := strings.Cut(line, "&")
		var pairs []string
		for part := range strings.SplitSeq(query, "&") {
			k, v, ok := strings.Cut(part, "=")
			if !ok {
				continue
			}
			for name, id := range known {
				v = strings.ReplaceAll(v, "{"+name+"}", id)
			}
			pairs = append(pairs, k, v)
		}
		l.withoutEach(action, pairs)
		r := l.ok(action, pairs...)
		shape, _ := parseShape(manual[action].Response)
		if d := (&shapeNode{fields: shape}).differs(action, r.body); d != "" {
			t.Errorf("the answer is not the manual's: %s", d)
		}
		remember(known, r)
		l.wait(1)
	}
	for name := range manual {
		if l.cloud.Counts()[name].OK == 0 {
			t.Errorf("%s was not walked", name)
		}
	}
	for _, c := range l.cloud.Calls(1000) {
		if len(c.Unknown) > 0 {
			t.Errorf("%s: %v are in no document", c.Action, c.Unknown)
		}
	}
}

// remember keeps the ids of a result and of the first row.
func remember(known map[string]string, r result) {
	for name, v := range r.body {
		m, _ := v.(map[string]any)
		if name == "Data" && len(r.rows()) > 0 {
			m, _ = r.rows()[0].(map[string]any)
		}
		for k, id := range m {
			if strings.HasSuffix(k, "Id") && fmt.Sprint(id) != "" {
				known[k] = fmt.Sprint(id)
			}
		}
	}
}

// withoutEach leaves out each required parameter, or spoils it.
func (l *lab) withoutEach(action string, pairs []string) {
	l.t.Helper()
	for _, p := range l.cloud.actions[action].params {
		i := slices.Index(pairs, strings.Replace(p.name, ".N", ".1", 1))
		if i < 0 {
			continue
		}
		if p.need {
			r := l.call(action, slices.Delete(slices.Clone(pairs), i, i+2)...)
			if r.status != 400 || !strings.HasPrefix(r.code(), "Missing") {
				l.t.Errorf("%s without %s: HTTP %d %s", action, p.name, r.status, r.raw)
			}
		}
		bad := slices.Clone(pairs)
		var want string
		switch {
		case p.kind != text:
			bad[i+1], want = "x", "Invalid"+p.name
		case p.words != "":
			bad[i+1], want = "x", fmt.Sprint(codeInvalid)
		default:
			continue
		}
		if r := l.call(action, bad...); r.code() != want {
			l.t.Errorf("%s with a bad %s: %s", action, p.name, r.raw)
		}
	}
}
