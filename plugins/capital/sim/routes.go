package sim

import "net/http"

// routeTable is the API: every action of every service.
func routeTable() map[string]map[string]action {
	return map[string]map[string]action{
		pathECS:     ecsActions(),
		pathECS11:   {"DescribeImages": {run: describeImages, verbs: both}},
		pathEBS:     ebsActions(),
		pathSG:      groupActions(),
		pathVPC:     vpcActions(),
		pathGCW:     {"GetVpcBandwidth": read(shapeGCW, vpcBandwidth), "GetEipPrice": read(shapeGCW, eipPrice)},
		pathSubject: {"DescribeSubjects": {run: platformSubjects, verbs: both}},
	}
}

var (
	get  = []string{http.MethodGet}
	post = []string{http.MethodPost}
	both = []string{http.MethodGet, http.MethodPost}
)

type handler = func(*Cloud, *request) (answer, *apiError)

// read is an action of the verb GET, ask one of POST that changes nothing,
// change one of POST that does.
func read(s shape, run handler) action { return action{run: run, verbs: get, shape: s} }
func ask(s shape, run handler) action  { return action{run: run, verbs: post, shape: s} }
func change(s shape, run handler) action {
	return action{run: run, verbs: post, shape: s, writes: true}
}

func ecsActions() map[string]action {
	return map[string]action{
		"DescribeRegions":          read(shapeMsg, describeRegions),
		"DescribeEcsFamilyInfo":    read(shapeMsg, describeFamilies),
		"DescribeZoneInstanceType": read(shapeMsg, describeZoneTypes),
		"DescribePrice":            ask(shapeBoth, describePrice),
		"DescribeAccountSubject":   read(shapeMsg, describeSubjects),
		"DescribeEvent":            read(shapeMsg, describeEvent),

		"DescribeInstanceList":    read(shapeCode, describeInstances),
		"DescribeInstance":        read(shapeCodeBare, describeInstance),
		"DescribeInstanceStatus":  ask(shapeMessage, describeInstanceStatus),
		"DescribeInstanceMonitor": ask(shapeMsg, describeMonitor),
		"DescribeInstanceVncUrl":  read(shapeBare, describeVNC),
		"CreateInstance":          change(shapeBare, createInstances),
		"OperateInstance":         change(shapeCodeBare, operateInstances),
		"DeleteInstance":          change(shapeBoth, deleteInstances),
		"ModifyInstancePassword":  change(shapeBoth, resetPassword),
		"ModifyInstanceName":      change(shapeMsg, renameInstance),
		"ChangeInstanceConfigure": change(shapeMsg, resizeInstances),

		"CreateImage": change(shapeBare, createImage),
		"DeleteImage": change(shapeBare, deleteImages),
		"SyncImage":   change(shapeBare, syncImage),
	}
}

func ebsActions() map[string]action {
	return map[string]action{
		"DescribeDiskQuota":      read(shapeMsg, describeDiskQuota),
		"DescribeEvent":          read(shapeMsg, describeEvent),
		"DescribeDiskList":       {run: describeDisks, verbs: both, shape: shapeBare},
		"DescribeDisk":           read(shapeBare, describeDisk),
		"DescribeEcsAttachDisks": read(shapeBare, describeAttached),
		"CreateDisk":             change(shapeBare, createDisks),
		"DeleteDisk":             change(shapeBare, deleteDisks),
		"AttachDisk":             change(shapeBare, attachDisks),
		"DetachDisk":             change(shapeBare, detachDisks),
		"ExtendDisk":             change(shapeBare, extendDisk),
	}
}

func groupActions() map[string]action {
	return map[string]action{
		"DescribeSecurityGroups":        read(shapeSG, describeGroups),
		"DescribeSecurityGroupPolicies": read(shapeSG, describeRules),
		"CreateSecurityGroup":           change(shapeSG, createGroup),
		"ModifySecurityGroupAttribute":  change(shapeSG, modifyGroup),
		"DeleteSecurityGroup":           change(shapeSG, deleteGroup),
		"CreateSecurityGroupPolicies":   change(shapeSG, createRules),
		"DeleteSecurityGroupPolicies":   change(shapeSG, deleteRules),
		"ModifySecurityGroupPolicies":   change(shapeSG, modifyRules),
		"AssociateSecurityGroups":       change(shapeSG, associateGroups),
		"DisassociateSecurityGroups":    change(shapeSG, disassociateGroups),
		"ModifySecurityGroupsPriority":  change(shapeSG, prioritizeGroups),

		"DescribeSecurityGroupAssociationStatistics": read(shapeSG, groupStatistics),
	}
}

func vpcActions() map[string]action {
	return map[string]action{
		"DescribeVPC":            ask(shapeVPC, describeVPC),
		"CreateVPC":              change(shapeVPC, createVPC),
		"DeleteVPC":              change(shapeVPC, deleteVPC),
		"UpdateVPCBandwidthType": change(shapeVPC, updateVPCLine),
		"DescribeSubnet":         ask(shapeVPC, describeSubnet),
		"CreateSubnet":           change(shapeVPC, createSubnet),
		"DeleteSubnet":           change(shapeVPC, deleteSubnet),
		"DescribeVirtualGateWay": ask(shapeVPC, describeGateway),
		"CreateVirtualGateWay":   change(shapeVPC, createGateway),
		"DeleteVirtualGateWay":   change(shapeVPC, deleteGateway),
		"DescribeIPInfo":         ask(shapeVPC, describeIPInfo),
		"DescribeSubnetIp":       ask(shapeVPC, describeSubnetIP),
		"NetEIPInfo":             ask(shapeVPC, netEIPInfo),

		"DescribeEIP":         ask(shapeVPC, describeEIPs),
		"CreateEIP":           change(shapeVPC, createEIPs),
		"UpdateEIP":           change(shapeVPC, updateEIP),
		"DeleteEIP":           change(shapeVPC, deleteEIP),
		"BindEIP":             change(shapeVPC, bindEIP),
		"UnbindEIP":           change(shapeVPC, unbindEIP),
		"ReserveIPAndBindEIP": change(shapeVPC, reserveAndBind),

		"DescribeBandwidth":         ask(shapeVPC, describeBandwidths),
		"CreateBandwidth":           change(shapeVPC, createBandwidth),
		"UpdateBandwidth":           change(shapeVPC, updateBandwidth),
		"DeleteBandwidth":           change(shapeVPC, deleteBandwidth),
		"BandwidthAddEIP":           change(shapeVPC, addToBandwidth),
		"BandwidthRemoveEIP":        change(shapeVPC, removeFromBandwidth),
		"VPCBandWidthBillingScheme": ask(shapeVPC, billingSchemes),
		"VPCBandWidthUnitPrice":     ask(shapeVPC, unitPrice),
		"DescribeOneMinuteFlow":     ask(shapeFlow, oneMinuteFlow),

		"DescribeTask": read(shapeVPC, describeTask),
	}
}
