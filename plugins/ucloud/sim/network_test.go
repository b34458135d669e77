package sim_test

import (
	"path/filepath"
	"testing"
	"time"

	"tradewind.example/plugins/ucloud/sim"
)

// do makes a signed call in the test's region and project.
func (w *world) do(action string, more ...string) map[string]any {
	w.t.Helper()
	values := map[string]string{"Action": action, "Region": region, "ProjectId": "org-one"}
	for i := 0; i+1 < len(more); i += 2 {
		values[more[i]] = more[i+1]
	}
	return w.form(signed(values))
}

// must is do for calls that have to work; it returns the text at a field.
func (w *world) must(field, action string, more ...string) string {
	w.t.Helper()
	out := w.do(action, more...)
	if retCode(out) != 0 {
		w.t.Fatalf("%s %v: %v", action, more, out)
	}
	text, _ := out[field].(string)
	return text
}

// refused holds a call to its code.
func (w *world) refused(reason string, code int, action string, more ...string) {
	w.t.Helper()
	if got := retCode(w.do(action, more...)); got != code {
		w.t.Errorf("%s: %s answers %d; want %d", reason, action, got, code)
	}
}

func rowsOf(w *world, list, action string, more ...string) []map[string]any {
	w.t.Helper()
	out := w.do(action, more...)
	all, _ := out[list].([]any)
	var rows []map[string]any
	for _, x := range all {
		row, _ := x.(map[string]any)
		rows = append(rows, row)
	}
	return rows
}

const sshRule = "TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh"

func TestFirewallLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.create("tok")
	id := w.must("FWId", "CreateFirewall", "Name", "office", "Rule.0", sshRule, "Tag", "tok-1", "Remark", "for the office")
	all := rowsOf(w, "DataSet", "DescribeFirewall")
	if len(all) != 3 || all[0]["Type"] != "recommend web" || all[1]["Type"] != "recommend non web" || all[2]["FWId"] != id {
		t.Fatalf("firewalls %v", all)
	}
	web, _ := all[0]["FWId"].(string)
	if n := len(rowsOf(w, "ResourceSet", "DescribeFirewallResource", "FWId", web)); n != 1 {
		t.Errorf("a host without a firewall is behind %d of the recommended one; want 1", n)
	}
	w.must("", "GrantFirewall", "FWId", id, "ResourceType", "UHost", "ResourceId", host)
	if rows := rowsOf(w, "ResourceSet", "DescribeFirewallResource", "FWId", id); len(rows) != 1 || rows[0]["ResourceID"] != host {
		t.Errorf("resources %v", rows)
	}
	if rows := rowsOf(w, "DataSet", "DescribeFirewall", "ResourceId", host, "ResourceType", "uhost"); len(rows) != 1 || rows[0]["FWId"] != id {
		t.Errorf("firewall of the host: %v", rows)
	}
	w.refused("in use", 4361, "DeleteFirewall", "FWId", id)
	w.refused("hosts cannot be taken out", 230, "DisassociateFirewall", "FWId", id, "ResourceType", "uhost", "ResourceId", host)
	w.must("", "GrantFirewall", "FWId", web, "ResourceType", "uhost", "ResourceId", host)
	w.must("FWId", "UpdateFirewall", "FWId", id, "Rule.0", "ICMP||10.0.0.0/8|DROP|LOW", "Rule.1", sshRule)
	w.must("FWId", "UpdateFirewallAttribute", "FWId", id, "Name", "home", "Remark", "moved")
	row := rowsOf(w, "DataSet", "DescribeFirewall", "FWId", id)[0]
	if rules, _ := row["Rule"].([]any); len(rules) != 2 || row["Name"] != "home" || row["Tag"] != "tok-1" || row["Remark"] != "moved" {
		t.Errorf("after the update: %v", row)
	}
	w.must("", "DeleteFirewall", "FWId", id)
	w.refused("gone", 54002, "DescribeFirewall", "FWId", id)
}

func TestFirewallsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.must("FWId", "CreateFirewall", "Name", "office", "Rule.0", sshRule)
	web, _ := rowsOf(w, "DataSet", "DescribeFirewall")[0]["FWId"].(string)
	w.refused("a name twice", 4364, "CreateFirewall", "Name", "office", "Rule.0", sshRule)
	w.refused("no rule", 220, "CreateFirewall", "Name", "more")
	w.refused("the recommended one", 4358, "DeleteFirewall", "FWId", web)
	w.refused("a change of the recommended one", 4358, "UpdateFirewall", "FWId", web, "Rule.0", sshRule)
	w.refused("nothing to change", 220, "UpdateFirewallAttribute", "FWId", id)
	w.refused("no such host", 4210, "GrantFirewall", "FWId", id, "ResourceType", "uhost", "ResourceId", "uhost-none")
	for rule, code := range map[string]int{
		"TCP|22|0.0.0.0/0|ACCEPT|URGENT": 4359, "tcp|22|0.0.0.0/0|ACCEPT|HIGH": 230, "TCP||0.0.0.0/0|ACCEPT|HIGH": 230,
		"ICMP|8|0.0.0.0/0|ACCEPT|HIGH": 230, "TCP|90-80|0.0.0.0/0|ACCEPT|HIGH": 230, "TCP|22|anywhere|ACCEPT|HIGH": 230,
		"TCP|22|0.0.0.0/0|ALLOW|HIGH": 230, "TCP|22|0.0.0.0/0|ACCEPT": 230,
	} {
		w.refused(rule, code, "UpdateFirewall", "FWId", id, "Rule.0", rule)
	}
}

func FuzzRule(f *testing.F) {
	f.Add(sshRule)
	f.Add("ICMP||::/0|DROP|LOW|")
	f.Add("||||||||")
	f.Fuzz(func(t *testing.T, text string) { sim.ParseRule(text) })
}

func TestNetworkLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vpc := w.must("VPCId", "CreateVPC", "Name", "net", "Network.0", "172.16.0.0/16", "Tag", "tok-v")
	sub := w.must("SubnetId", "CreateSubnet", "VPCId", vpc, "Subnet", "172.16.1.0", "Netmask", "24", "SubnetName", "a", "Tag", "tok-s")
	w.refused("an overlap", 230, "CreateSubnet", "VPCId", vpc, "Subnet", "172.16.1.128", "Netmask", "25")
	w.refused("outside", 230, "CreateSubnet", "VPCId", vpc, "Subnet", "192.168.1.0")
	w.refused("a subnet is left", 4411, "DeleteVPC", "VPCId", vpc)
	w.refused("a public range", 230, "CreateVPC", "Name", "net", "Network.0", "198.51.100.0/24")
	if rows := rowsOf(w, "DataSet", "DescribeVPC", "VPCIds.0", vpc); len(rows) != 1 || rows[0]["VPCType"] != "DefinedVPC" || rows[0]["SubnetCount"] != float64(1) {
		t.Errorf("VPC %v", rows)
	}
	if rows := rowsOf(w, "DataSet", "DescribeSubnet", "VPCId", vpc); len(rows) != 1 || rows[0]["Netmask"] != "24" || rows[0]["AvailableIPs"] != float64(253) {
		t.Errorf("subnets %v", rows)
	}
	if rows := rowsOf(w, "DataSet", "DescribeVPC"); len(rows) != 2 || rows[0]["VPCType"] != "DefaultVPC" {
		t.Errorf("VPCs %v", rows)
	}
	out := w.form(signed(rawCreate(map[string]string{"VPCId": vpc, "SubnetId": sub, "ProjectId": "org-one"})))
	if retCode(out) != 0 {
		t.Fatalf("a host in the subnet: %v", out)
	}
	w.refused("a host is left", 4411, "DeleteSubnet", "SubnetId", sub)
	other := w.must("SubnetId", "CreateSubnet", "VPCId", vpc, "Subnet", "172.16.2.0")
	w.must("", "DeleteSubnet", "SubnetId", other)
	w.refused("gone", 58000, "DeleteSubnet", "SubnetId", other)
}

func TestDiskLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.create("tok")
	mustAdvance(t, w.Cloud, time.Minute)
	w.must("", "CreateUDisk", "Zone", zone, "Name", "data", "Size", "100", "DiskType", "SSDDataDisk", "ChargeType", "Month", "Tag", "tok-d")
	row := rowsOf(w, "DataSet", "DescribeUDisk", "ProtocolVersion", "1")[0]
	id, _ := row["UDiskId"].(string)
	if row["Status"] != "Available" || row["DiskType"] != "CLOUD_SSD" || row["Tag"] != "tok-d" {
		t.Errorf("new disk %v", row)
	}
	status := func(want string) {
		t.Helper()
		if got := rowsOf(w, "DataSet", "DescribeUDisk", "UDiskId", id)[0]["Status"]; got != want {
			t.Errorf("status %v; want %s", got, want)
		}
	}
	w.must("", "AttachUDisk", "UDiskId", id, "HostId", host)
	status("Attaching")
	mustAdvance(t, w.Cloud, time.Minute)
	status("InUse")
	w.refused("attached", 17017, "DeleteUDisk", "UDiskId", id)
	w.must("", "DetachUDisk", "UDiskId", id, "HostId", host)
	mustAdvance(t, w.Cloud, time.Minute)
	before := w.Report(1).Accounts["one"].Balance
	price := w.do("DescribeUDiskUpgradePrice", "SourceId", id, "Size", "200")["Price"]
	w.must("", "ResizeUDisk", "UDiskId", id, "Size", "200")
	if paid := before - w.Report(1).Accounts["one"].Balance; float64(paid) != price || paid <= 0 {
		t.Errorf("paid %v for what was priced at %v", paid, price)
	}
	w.refused("smaller", 230, "ResizeUDisk", "UDiskId", id, "Size", "100")
	w.must("", "RenameUDisk", "UDiskId", id, "UDiskName", "more")
	w.must("", "DeleteUDisk", "UDiskId", id)
	w.refused("gone", 8039, "DeleteUDisk", "UDiskId", id)
}

func TestResizePaysWhatWasPriced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.create("tok")
	mustAdvance(t, w.Cloud, time.Hour)
	w.refused("it runs", 8010, "ResizeUHostInstance", "UHostId", host, "CPU", "4", "Memory", "8192")
	w.must("", "PoweroffUHostInstance", "UHostId", host)
	mustAdvance(t, w.Cloud, time.Minute)
	for _, size := range [][2]string{{"4", "8192"}, {"1", "2048"}} {
		before := w.Report(1).Accounts["one"].Balance
		price := simFen(w.do("GetUHostUpgradePrice", "UHostId", host, "CPU", size[0], "Memory", size[1])["Price"])
		w.must("", "ResizeUHostInstance", "UHostId", host, "CPU", size[0], "Memory", size[1])
		if paid := before - w.Report(1).Accounts["one"].Balance; paid != price || paid == 0 {
			t.Errorf("to %v: paid %v for what was priced at %v", size, paid, price)
		}
		mustAdvance(t, w.Cloud, time.Minute)
	}
	row := rowsOf(w, "UHostSet", "DescribeUHostInstance", "UHostIds.0", host)[0]
	if row["CPU"] != float64(1) || row["Memory"] != float64(2048) || row["State"] != "Stopped" {
		t.Errorf("after both: %v", row)
	}
	eips, _ := w.do("AllocateEIP", "OperatorName", "Bgp", "Bandwidth", "2")["EIPSet"].([]any)
	eip, _ := eips[0].(map[string]any)["EIPId"].(string)
	before := w.Report(1).Accounts["one"].Balance
	price := simFen(w.do("GetEIPUpgradePrice", "EIPId", eip, "Bandwidth", "5")["Price"])
	w.must("", "ModifyEIPBandwidth", "EIPId", eip, "Bandwidth", "5")
	if paid := before - w.Report(1).Accounts["one"].Balance; paid != price || paid <= 0 {
		t.Errorf("the address: paid %v for what was priced at %v", paid, price)
	}
}

func TestSubUsersSignForTheirProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	org := w.must("ProjectId", "CreateProject", "ProjectName", "tw-org-9")
	w.refused("a project twice", 230, "CreateProject", "ProjectName", "tw-org-9")
	w.must("", "CreateUser", "UserName", "tw_org-9", "AccessKeyStatus", "Active", "LoginProfileStatus", "Inactive")
	w.refused("a user twice", 10011, "CreateUser", "UserName", "tw_org-9", "AccessKeyStatus", "Active", "LoginProfileStatus", "Inactive")
	w.refused("neither keys nor sign-in", 230, "CreateUser", "UserName", "x", "AccessKeyStatus", "Inactive", "LoginProfileStatus", "Inactive")
	key, _ := w.do("CreateAccessKey", "UserName", "tw_org-9")["AccessKey"].(map[string]any)
	id, _ := key["AccessKeyID"].(string)
	secret, _ := key["AccessKeySecret"].(string)
	as := func(project string) int {
		values := map[string]string{"PublicKey": id, "Action": "DescribeUHostInstance", "Region": region}
		if project != "" {
			values["ProjectId"] = project
		}
		values["Signature"] = sim.Sign(values, secret)
		return retCode(w.form(values))
	}
	if code := as(org); code != 299 {
		t.Errorf("without a policy: %d; want 299", code)
	}
	w.must("", "AttachPoliciesToUser", "UserName", "tw_org-9", "PolicyURNs.0", "ucs:policy/all", "Scope", "Specified", "ProjectID", org)
	for reason, c := range map[string]struct {
		project string
		code    int
	}{"its own": {org, 0}, "another": {"org-two", 299}, "none": {"", 292}} {
		if code := as(c.project); code != c.code {
			t.Errorf("project %s: %d; want %d", reason, code, c.code)
		}
	}
	if rows := rowsOf(w, "Users", "ListUsers", "Limit", "10", "Offset", "0"); len(rows) != 1 || rows[0]["UserName"] != "tw_org-9" {
		t.Errorf("users %v", rows)
	}
	if rows := rowsOf(w, "AccessKey", "ListAccessKeys", "UserName", "tw_org-9"); len(rows) != 1 || rows[0]["AccessKeySecret"] != nil {
		t.Errorf("keys %v", rows)
	}
	w.must("", "DeleteAccessKey", "AccessKeyID", id)
	if code := as(org); code != 172 {
		t.Errorf("a deleted key: %d; want 172", code)
	}
}

// TestNetworkSurvivesARestart also keeps projects and sub users.
func TestNetworkSurvivesARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	kept := func(c *sim.Config) { c.StateFile = file }
	w := newWorld(t, kept)
	fw := w.must("FWId", "CreateFirewall", "Name", "office", "Rule.0", sshRule)
	gone := w.must("FWId", "CreateFirewall", "Name", "gone", "Rule.0", sshRule)
	w.must("", "DeleteFirewall", "FWId", gone)
	vpc := w.must("VPCId", "CreateVPC", "Name", "net", "Network.0", "172.16.0.0/16")
	w.must("SubnetId", "CreateSubnet", "VPCId", vpc, "Subnet", "172.16.1.0")
	w.must("", "CreateUDisk", "Zone", zone, "Name", "data", "Size", "100")
	org := w.must("ProjectId", "CreateProject", "ProjectName", "tw-org-9")
	w.must("", "CreateUser", "UserName", "tw_org-9", "AccessKeyStatus", "Active", "LoginProfileStatus", "Inactive")
	for range 2 { // from the log, then from its short form
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = newWorld(t, kept)
		for list, n := range map[string]int{"DescribeFirewall": 3, "DescribeVPC": 2, "DescribeSubnet": 2, "DescribeUDisk": 1} {
			if got := len(rowsOf(w, "DataSet", list)); got != n {
				t.Errorf("%s: %d rows; want %d", list, got, n)
			}
		}
		w.must("", "DescribeFirewall", "FWId", fw)
		if n := len(rowsOf(w, "Users", "ListUsers")); n != 1 {
			t.Errorf("%d sub users; want 1", n)
		}
		w.refused("the project is there", 230, "CreateProject", "ProjectName", "tw-org-9")
		w.must("", "DescribeVPC", "ProjectId", org)
	}
}
