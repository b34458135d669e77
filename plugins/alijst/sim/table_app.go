package sim

// appTable lists the actions on applications.
func appTable() map[string]action {
	return map[string]action{
		"CreateApp": {http: "POST", errText: "ErrMsg", writes: true, run: createApp, params: []param{
			{name: "BizCode", need: true, words: "JST|NEW_RETAIL|MINI_APP|SUPPLY|MESSAGE"},
			{name: "Language", need: true, words: "Java|PHP|C#|Python"},
			{name: "OperatingSystem", need: true, words: "Linux|Windows"},
			{name: "ServiceType", need: true, words: "GeneralApplication|StoreApplication|TaoHuDongApplication"},
			{name: "Title", need: true},
			{name: "UserRoles.N.RoleName", need: true, words: "Owner|PE|Dev|Test"},
			{name: "UserRoles.N.UserId", need: true},
			{name: "UserRoles.N.UserType", need: true, words: "DING_TALK|TAOBAO"},
			{name: "BizTitle"},
			{name: "Description"},
			{name: "StateType", kind: whole, lo: 1, hi: 2},
			{name: "Namespace"},
			{name: "GroupName"},
			{name: "MiddleWareIdList.N"},
		}},
		"UpdateApp": {http: "POST", errText: "ErrMsg", writes: true, run: updateApp, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "UserRoles.N.RoleName", need: true, words: "Owner|PE|Dev|Test"},
			{name: "UserRoles.N.UserId", need: true},
			{name: "UserRoles.N.UserType", need: true, words: "DING_TALK|TAOBAO"},
			{name: "BizTitle"},
			{name: "Description"},
			{name: "Language", words: "Java|PHP|C#|Python"},
			{name: "OperatingSystem", words: "Linux|Windows"},
			{name: "ServiceType", words: "GeneralApplication|StoreApplication|TaoHuDongApplication"},
			{name: "MiddleWareIdList.N"},
		}},
		"ListApp": {http: "GET", errText: "ErrorMsg", run: listApp, params: []param{
			{name: "PageNumber", kind: whole, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, lo: 1, hi: 100},
		}},
		"DescribeAppDetail": {http: "POST", errText: "ErrMessage", run: describeAppDetail, params: []param{
			{name: "AppId", kind: whole, need: true},
		}},
		"DeleteAppDetail": {http: "GET", errText: "ErrMsg", writes: true, run: deleteAppDetail, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "Force", kind: truth},
		}},
	}
}

// environmentTable lists the actions on environments of applications.
func environmentTable() map[string]action {
	return map[string]action{
		"CreateEnvironment": {http: "POST", errText: "ErrMsg", writes: true, run: createEnvironment, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "AppSchemaId", kind: whole, need: true},
			{name: "EnvName", need: true},
			{name: "EnvType", kind: whole, need: true, lo: 0, hi: 1},
			{name: "Region", need: true},
			{name: "Replicas", kind: whole, need: true, lo: 0, hi: 1000},
			{name: "ClusterId"},
		}},
		"UpdateEnvironment": {http: "POST", errText: "ErrMsg", writes: true, run: updateEnvironment, params: []param{
			{name: "AppEnvId", kind: whole, need: true},
			{name: "AppId", kind: whole, need: true},
			{name: "AppSchemaId", kind: whole},
			{name: "Replicas", kind: whole, lo: 0, hi: 1000},
		}},
		"ListAppEnvironment": {http: "GET", errText: "ErrorMsg", run: listAppEnvironment, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "EnvType", kind: whole, lo: 0, hi: 2},
			{name: "EnvName"},
		}},
		"DeleteAppEnvironment": {http: "POST", errText: "ErrMsg", writes: true, run: deleteAppEnvironment, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole, need: true},
			{name: "Force", kind: truth, need: true},
		}},
		"DescribeAppEnvironmentDetail": {http: "GET", errText: "ErrMsg", run: describeAppEnvironmentDetail, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole, need: true},
		}},
	}
}

// configTable lists the actions on deploy configurations.
func configTable() map[string]action {
	return map[string]action{
		"CreateDeployConfig": {http: "POST", errText: "ErrMessage", writes: true, run: createDeployConfig, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvType", need: true, words: "test|online"},
			{name: "Name", need: true},
			{name: "CodePath"},
			{name: "ConfigMap"},
			{name: "Deployment"},
			{name: "StatefulSet"},
			{name: "ConfigMapList.N"},
			{name: "SecretList.N"},
			{name: "CronJob"},
		}},
		"ListDeployConfig": {http: "POST", errText: "ErrorMsg", run: listDeployConfig, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvType", words: "test|online"},
			{name: "Id", kind: whole},
			{name: "Name"},
		}},
		"DeleteDeployConfig": {http: "POST", errText: "ErrMsg", writes: true, run: deleteDeployConfig, params: []param{
			{name: "SchemaId", kind: whole, need: true},
		}},
		"UpdateDeployConfig": {http: "POST", errText: "ErrMsg", writes: true, run: updateDeployConfig, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "CodePath"},
			{name: "Id", kind: whole, need: true},
			{name: "ConfigMap"},
			{name: "StatefulSet"},
			{name: "Deployment"},
			{name: "ConfigMapList.N"},
			{name: "SecretList.N"},
			{name: "CronJob"},
		}},
	}
}

// claimTable lists the actions on app instances and volume claims.
func claimTable() map[string]action {
	return map[string]action{
		"ListAppInstance": {http: "POST", errText: "ErrMsg", run: listAppInstance, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
		}},
		"CreatePersistentVolumeClaim": {http: "POST", errText: "ErrMsg", writes: true, run: createPersistentVolumeClaim, params: []param{
			{name: "AccessModes", need: true, words: "ReadWriteMany|ReadWriteOnce"},
			{name: "AppId", kind: whole, need: true},
			{name: "Capacity", need: true},
			{name: "EnvId", kind: whole, need: true},
			{name: "Name", need: true},
			{name: "StorageClass", need: true},
		}},
		"DeletePersistentVolumeClaim": {http: "POST", errText: "ErrMsg", writes: true, run: deletePersistentVolumeClaim, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole, need: true},
			{name: "PersistentVolumeClaimName", need: true},
		}},
		"ListPersistentVolumeClaim": {http: "POST", errText: "ErrorMsg", run: listPersistentVolumeClaim, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "EnvId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
		}},
		"ListUsers": {http: "GET", errText: "ErrorMsg", run: listUsers, params: []param{
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
		}},
	}
}
