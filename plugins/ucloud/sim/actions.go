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
		"ModifyUHostInstanceName":        change(renameHost),
		"ModifyUHostInstanceTag":         change(retagHost),
		"ModifyUHostInstanceRemark":      change(remarkHost),

		"GetEIPPrice": read(getEIPPrice),
		"DescribeEIP": read(describeEIPs),
		"AllocateEIP": change(allocateEIPs),
		"BindEIP":     change(bindEIP),
		"UnBindEIP":   change(unbindEIP),
		"ReleaseEIP":  change(releaseEIP),

		"UpdateEIPAttribute": change(updateEIP),

		"GetBalance":      {run: getBalance},
		"ListUBillDetail": {run: listBills},
		"CreateRenew":     {run: createRenew, writes: true},
	}
}
