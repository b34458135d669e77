package sim

// actionTable is the API: every action that exists, with what it needs.
func actionTable() map[string]action {
	read := func(f func(*Cloud, *request) (answer, *retError)) action { return action{run: f, scoped: true} }
	change := func(f func(*Cloud, *request) (answer, *retError)) action {
		return action{run: f, scoped: true, writes: true}
	}
	return map[string]action{
		"GetRegion":      {run: getRegion},
		"GetProjectList": {run: getProjectList},
		"CreateProject":  {run: createProject, writes: true},

		"CreateUser":           {run: createUser, writes: true},
		"ListUsers":            {run: listUsers},
		"CreateAccessKey":      {run: createAccessKey, writes: true},
		"ListAccessKeys":       {run: listAccessKeys},
		"DeleteAccessKey":      {run: deleteAccessKey, writes: true},
		"AttachPoliciesToUser": {run: attachPolicies, writes: true},

		"DescribeAvailableInstanceTypes": read(describeInstanceTypes),
		"DescribeImage":                  read(describeImage),
		"GetUHostInstancePrice":          read(getHostPrice),
		"GetUHostRenewPrice":             read(getRenewPrice),
		"GetUHostRefundPrice":            read(getRefundPrice),
		"DescribeUHostInstance":          read(describeHosts),
		"GetUHostInstanceVncInfo":        read(vncInfo),
		"CreateUHostInstance":            change(createHosts),
		"StartUHostInstance":             change(startHost),
		"StopUHostInstance":              change(stopHost),
		"PoweroffUHostInstance":          change(poweroffHost),
		"RebootUHostInstance":            change(rebootHost),
		"ResetUHostInstancePassword":     change(resetPassword),
		"TerminateUHostInstance":         change(terminateHost),
		"ResizeUHostInstance":            change(resizeHost),
		"GetUHostUpgradePrice":           read(getUpgradePrice),
		"ModifyUHostInstanceName":        change(renameHost),
		"ModifyUHostInstanceTag":         change(retagHost),
		"ModifyUHostInstanceRemark":      change(remarkHost),

		"GetEIPPrice":        read(getEIPPrice),
		"DescribeEIP":        read(describeEIPs),
		"AllocateEIP":        change(allocateEIPs),
		"BindEIP":            change(bindEIP),
		"UnBindEIP":          change(unbindEIP),
		"ReleaseEIP":         change(releaseEIP),
		"UpdateEIPAttribute": change(updateEIP),
		"ModifyEIPBandwidth": change(modifyEIPBandwidth),
		"GetEIPUpgradePrice": read(getEIPUpgradePrice),

		"CreateFirewall":           change(createFirewall),
		"DescribeFirewall":         read(describeFirewalls),
		"UpdateFirewall":           change(updateFirewall),
		"UpdateFirewallAttribute":  change(updateFirewallAttribute),
		"DescribeFirewallResource": read(describeFirewallResources),
		"GrantFirewall":            change(grantFirewall),
		"DisassociateFirewall":     change(disassociateFirewall),
		"DeleteFirewall":           change(deleteFirewall),

		"CreateVPC":      change(createVPC),
		"DescribeVPC":    read(describeVPCs),
		"DeleteVPC":      change(deleteVPC),
		"CreateSubnet":   change(createSubnet),
		"DescribeSubnet": read(describeSubnets),
		"DeleteSubnet":   change(deleteSubnet),

		"CreateUDisk":               change(createUDisk),
		"DescribeUDisk":             read(describeUDisks),
		"AttachUDisk":               change(attachUDisk),
		"DetachUDisk":               change(detachUDisk),
		"DeleteUDisk":               change(deleteUDisk),
		"ResizeUDisk":               change(resizeUDisk),
		"RenameUDisk":               change(renameUDisk),
		"DescribeUDiskPrice":        read(getUDiskPrice),
		"DescribeUDiskUpgradePrice": read(getUDiskUpgradePrice),

		"GetBalance":          {run: getBalance},
		"ListUBillDetail":     {run: listBills},
		"CreateRenew":         {run: createRenew, writes: true},
		"ModifyAutoRenewFlag": {run: modifyAutoRenew, writes: true},
	}
}
