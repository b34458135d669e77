package sim

// orderTable lists the actions on deploy orders.
func orderTable() map[string]action {
	return map[string]action{
		"DeployApp": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deployApp, params: []param{
			{name: "EnvId", kind: whole, need: true},
			{name: "Name", need: true},
			{name: "TotalPartitions", kind: whole, need: true, lo: 1, hi: 1000},
			{name: "DeployPacketUrl"},
			{name: "DeployPacketId", kind: whole},
			{name: "Description"},
			{name: "PauseType", words: "first|each|none"},
			{name: "ArmsFlag", kind: truth},
			{name: "UpdateStrategyType"},
			{name: "ContainerImageList.N"},
			{name: "InitContainerImageList.N"},
			{name: "DefaultPacketOfAppGroup"},
		}},
		"ListDeployOrders": {http: "POST", errText: "ErrorMsg", run: listDeployOrders, params: []param{
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole},
			{name: "EnvType", words: "test|online"},
			{name: "DeployType", words: "partition_parallel"},
			{name: "PauseType", words: "first|each|none"},
			{name: "DeployCategory", words: "deploy|scale"},
			{name: "PartitionType", words: "group_even"},
			{name: "EndTimeLessThan"},
			{name: "EndTimeLessThanOrEqualTo"},
			{name: "EndTimeGreaterThan"},
			{name: "EndTimeGreaterThanOrEqualTo"},
			{name: "StartTimeGreaterThan"},
			{name: "StartTimeGreaterThanOrEqualTo"},
			{name: "StartTimeLessThan"},
			{name: "StartTimeLessThanOrEqualTo"},
			{name: "Status", kind: whole, lo: 1, hi: 3},
			{name: "ResultList.N", words: "0|1|2|4"},
			{name: "StatusList.N", words: "1|2|3"},
		}},
		"ScaleApp": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: scaleApp, params: []param{
			{name: "EnvId", kind: whole, need: true},
			{name: "Replicas", kind: whole, need: true, lo: 0, hi: 1000},
			{name: "TotalPartitions", kind: whole, lo: 1, hi: 1000},
		}},
		"DescribeDeployOrderDetail": {http: "POST", errText: "ErrMsg", success: true, run: describeDeployOrderDetail, params: []param{
			{name: "DeployOrderId", kind: whole, need: true},
		}},
		"ResumeDeploy": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: resumeDeploy, params: []param{
			{name: "DeployOrderId", kind: whole, need: true},
		}},
		"CloseDeployOrder": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: closeDeployOrder, params: []param{
			{name: "DeployOrderId", kind: whole, need: true},
		}},
	}
}

// podTable lists the actions on pods.
func podTable() map[string]action {
	return map[string]action{
		"ListPods": {http: "POST", errText: "ErrorMsg", run: listPods, params: []param{
			{name: "DeployOrderId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "ResultList.N", words: "0|1|2|4"},
			{name: "StatusList.N", words: "1|2|3"},
		}},
		"DescribePodLog": {http: "POST", errText: "ErrMsg", success: true, run: describePodLog, params: []param{
			{name: "AppInstId", need: true},
			{name: "DeployOrderId", kind: whole, need: true},
		}},
		"DescribePodEvents": {http: "POST", errText: "ErrMsg", success: true, run: describePodEvents, params: []param{
			{name: "AppInstId", need: true},
			{name: "DeployOrderId", kind: whole, need: true},
		}},
	}
}
