package sim

// volumeTable lists the actions on volumes.
func volumeTable() map[string]action {
	return map[string]action{
		"CreatePersistentVolume": {http: "POST", errText: "ErrMsg", writes: true, run: createPersistentVolume, params: []param{
			{name: "AccessModes", need: true, words: "ReadWriteMany|ReadWriteOnce"},
			{name: "Capacity", need: true},
			{name: "ClusterInstanceId", need: true},
			{name: "MountTargetDomain", need: true},
			{name: "Name", need: true},
			{name: "NFSVersion", need: true, words: "3|4.0"},
			{name: "ReclaimPolicy", need: true, words: "Retain|Delete"},
			{name: "StorageClass", need: true},
			{name: "MountDir"},
		}},
		"ListPersistentVolume": {http: "POST", errText: "ErrMsg", run: listPersistentVolume, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
		}},
		"DeletePersistentVolume": {http: "POST", errText: "ErrMsg", writes: true, run: deletePersistentVolume, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "PersistentVolumeName", need: true},
		}},
	}
}

// labelTable lists the actions on node labels.
func labelTable() map[string]action {
	return map[string]action{
		"CreateNodeLabel": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: createNodeLabel, params: []param{
			{name: "ClusterId", need: true},
			{name: "LabelKey", need: true},
			{name: "LabelValue", need: true},
		}},
		"ListNodeLabels": {http: "POST", errText: "ErrorMsg", run: listNodeLabels, params: []param{
			{name: "ClusterId", need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "LabelKey"},
		}},
		"DeleteNodeLabel": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deleteNodeLabel, params: []param{
			{name: "ClusterId", need: true},
			{name: "Force", kind: truth, need: true},
			{name: "LabelKey", need: true},
			{name: "LabelValue", need: true},
		}},
		"BindNodeLabel": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: bindNodeLabel, params: []param{
			{name: "ClusterId", need: true},
			{name: "InstanceId", need: true},
			{name: "LabelKey", need: true},
			{name: "LabelValue", need: true},
		}},
		"UnbindNodeLabel": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: unbindNodeLabel, params: []param{
			{name: "ClusterId", need: true},
			{name: "InstanceId", need: true},
			{name: "LabelKey", need: true},
			{name: "LabelValue", need: true},
		}},
		"ListNodeLabelBindings": {http: "GET", errText: "ErrorMsg", run: listNodeLabelBindings, params: []param{
			{name: "ClusterId", need: true},
			{name: "InstanceId"},
			{name: "LabelKey"},
			{name: "LabelValue"},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
		}},
	}
}

// allocTable lists the actions on resource allocations.
func allocTable() map[string]action {
	return map[string]action{
		"CreateAppResourceAlloc": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: createAppResourceAlloc, params: []param{
			{name: "AppEnvId", kind: whole, need: true},
			{name: "AppId", kind: whole, need: true},
			{name: "ClusterId", need: true},
		}},
		"ListAppResourceAllocs": {http: "GET", errText: "ErrorMsg", run: listAppResourceAllocs, params: []param{
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "AppEnvId", kind: whole},
			{name: "AppId", kind: whole},
			{name: "ClusterId"},
		}},
		"DeleteAppResourceAlloc": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deleteAppResourceAlloc, params: []param{
			{name: "AppEnvId", kind: whole, need: true},
		}},
		"DescribeAppResourceAlloc": {http: "GET", errText: "ErrMsg", success: true, run: describeAppResourceAlloc, params: []param{
			{name: "AppEnvId", kind: whole, need: true},
		}},
	}
}

// clusterTable lists the actions on clusters and their nodes.
func clusterTable() map[string]action {
	return map[string]action{
		"ListCluster": {http: "GET", errText: "ErrorMsg", run: listCluster, params: []param{
			{name: "BusinessCode", words: "JST|NEW_RETAIL|MINI_APP|SUPPLY|MESSAGE"},
			{name: "EnvType", words: "TEST|PRO"},
			{name: "PageNum", kind: whole, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, lo: 1, hi: 100},
		}},
		"DeleteCluster": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deleteCluster, params: []param{
			{name: "ClusterInstanceId", need: true},
		}},
		"ListClusterNode": {http: "GET", errText: "ErrorMsg", run: listClusterNode, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "PageNum", kind: whole, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, lo: 1, hi: 100},
		}},
		"QueryClusterDetail": {http: "GET", errText: "ErrMsg", success: true, run: queryClusterDetail, params: []param{
			{name: "ClusterInstanceId", need: true},
		}},
		"AddClusterNode": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: addClusterNode, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "EcsInstanceIdList.N", need: true},
		}},
		"RemoveClusterNode": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: removeClusterNode, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "EcsInstanceIdList.N", need: true},
		}},
		"CreateCluster": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: createCluster, params: []param{
			{name: "BusinessCode", need: true, words: "JST|NEW_RETAIL|MINI_APP|SUPPLY|MESSAGE"},
			{name: "ClusterEnvType", need: true, words: "TEST|PRO"},
			{name: "ClusterTitle", need: true},
			{name: "ClusterType", need: true, words: "Windows|Serverless|Standard"},
			{name: "RegionId", need: true},
			{name: "VpcId", need: true},
			{name: "Vswitchids.N", need: true},
			{name: "CloudMonitorFlags", kind: whole, lo: 0, hi: 1},
			{name: "ClusterId", kind: whole},
			{name: "CreateWithArmsIntegration", kind: truth},
			{name: "CreateWithLogIntegration", kind: truth},
			{name: "KeyPair"},
			{name: "NetPlug"},
			{name: "Password"},
			{name: "PodCIDR"},
			{name: "PrivateZone", kind: truth},
			{name: "PublicSlb", kind: whole, lo: 0, hi: 1},
			{name: "RegionName"},
			{name: "ServiceCIDR"},
			{name: "SnatEntry", kind: whole, lo: 0, hi: 1},
		}},
		"ListAvailableClusterNode": {http: "GET", errText: "ErrorMsg", run: listAvailableClusterNode, params: []param{
			{name: "ClusterInstanceId", need: true},
			{name: "PageNum", kind: whole, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, lo: 1, hi: 100},
		}},
	}
}

// rdsTable lists the actions on databases, their accounts and backups.
func rdsTable() map[string]action {
	return map[string]action{
		"DescribeDatabases": {http: "GET", errText: "ErrMsg", run: describeDatabases, params: []param{
			{name: "InstanceId", need: true},
		}},
		"DeleteRdsAccount": {http: "POST", errText: "ErrMsg", writes: true, run: deleteRdsAccount, params: []param{
			{name: "AccountName", need: true},
			{name: "DbInstanceId", need: true},
		}},
		"DescribeRdsAccounts": {http: "GET", errText: "ErrMsg", run: describeRdsAccounts, params: []param{
			{name: "DbInstanceId", need: true},
			{name: "AccountName"},
		}},
		"GrantDbToAccount": {http: "POST", errText: "ErrMsg", writes: true, run: grantDbToAccount, params: []param{
			{name: "AccountName", need: true},
			{name: "AccountPrivilege", need: true, words: "ReadWrite|ReadOnly|DDLOnly|DMLOnly|DBOwner"},
			{name: "DbInstanceId", need: true},
			{name: "DbName", need: true},
		}},
		"CreateDb": {http: "POST", errText: "ErrMsg", writes: true, run: createDb, params: []param{
			{name: "CharacterSetName", need: true, words: "utf8|gbk|latin1|utf8mb4|Chinese_PRC_CI_AS|Chinese_PRC_CS_AS|SQL_Latin1_General_CI_AS|SQL_Latin1_General_CP1_CS_AS|Chinese_PRC_BIN"},
			{name: "DbInstanceId", need: true},
			{name: "DbName", need: true},
			{name: "DbDescription"},
		}},
		"DeleteDatabase": {http: "POST", errText: "ErrMsg", writes: true, run: deleteDatabase, params: []param{
			{name: "DBInstanceId", need: true},
			{name: "DBName", need: true},
		}},
		"GetRdsBackUp": {http: "POST", errText: "ErrMsg", run: getRdsBackUp, params: []param{
			{name: "DbInstanceId", need: true},
			{name: "BackupId"},
			{name: "BackupType", words: "FullBackup|IncrementalBackup"},
			{name: "PageNumber", kind: whole, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, lo: 1, hi: 100},
		}},
	}
}
