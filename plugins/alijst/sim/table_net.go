package sim

// slbTable lists the actions on SLB access points.
func slbTable() map[string]action {
	return map[string]action{
		"CreateSlbAP": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: createSlbAP, params: []param{
			{name: "EnvId", kind: whole, need: true},
			{name: "Name", need: true},
			{name: "SlbId", need: true},
			{name: "ListenerPort", kind: whole, need: true, lo: 1, hi: 65535},
			{name: "RealServerPort", kind: whole, need: true, lo: 1, hi: 65535},
			{name: "Protocol", need: true, words: "TCP|UDP|HTTP|HTTPS"},
			{name: "EstablishedTimeout", kind: whole, lo: 10, hi: 900},
			{name: "StickySession", kind: whole, lo: 0, hi: 1},
			{name: "SslCertId"},
			{name: "CookieTimeout", kind: whole, lo: 1, hi: 86400},
		}},
		"ModifySlbAP": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: modifySlbAP, params: []param{
			{name: "SlbAPId", kind: whole, need: true},
			{name: "Name"},
			{name: "RealServerPort", kind: whole, lo: 1, hi: 65535},
			{name: "EstablishedTimeout", kind: whole, lo: 10, hi: 900},
			{name: "StickySession", kind: whole, lo: 0, hi: 1},
			{name: "SslCertId"},
			{name: "CookieTimeout", kind: whole, lo: 1, hi: 86400},
		}},
		"DeleteSlbAP": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deleteSlbAP, params: []param{
			{name: "SlbAPId", kind: whole, need: true},
		}},
		"DescribeSlbAPDetail": {http: "POST", errText: "ErrMsg", success: true, run: describeSlbAPDetail, params: []param{
			{name: "SlbAPId", kind: whole, need: true},
		}},
		"ListSlbAPs": {http: "POST", errText: "ErrorMsg", run: listSlbAPs, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "EnvId", kind: whole},
			{name: "Name"},
			{name: "NetworkMode", words: "internet|intranet"},
			{name: "ProtocolList.N", words: "TCP|UDP|HTTP|HTTPS"},
			{name: "SlbId"},
		}},
	}
}

// serviceTable lists the actions on services.
func serviceTable() map[string]action {
	return map[string]action{
		"ModifyService": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: modifyService, params: []param{
			{name: "ServiceId", kind: whole, need: true},
			{name: "Name"},
			{name: "PortMappings.N.Protocol", words: "TCP|UDP"},
			{name: "PortMappings.N.TargetPort"},
			{name: "PortMappings.N.Port", kind: whole, lo: 1, hi: 65535},
			{name: "PortMappings.N.Name"},
			{name: "PortMappings.N.NodePort", kind: whole, lo: 30000, hi: 32767},
		}},
		"DeleteService": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: deleteService, params: []param{
			{name: "ServiceId", kind: whole, need: true},
		}},
		"ListServices": {http: "POST", errText: "ErrorMsg", run: listServices, params: []param{
			{name: "AppId", kind: whole, need: true},
			{name: "PageNumber", kind: whole, need: true, lo: 1, hi: 1073741824},
			{name: "PageSize", kind: whole, need: true, lo: 1, hi: 100},
			{name: "EnvId", kind: whole},
			{name: "Name"},
			{name: "ServiceType", words: "ClusterIP|NodePort"},
		}},
		"DescribeServiceDetail": {http: "POST", errText: "ErrMsg", success: true, run: describeServiceDetail, params: []param{
			{name: "ServiceId", kind: whole, need: true},
		}},
		"CreateService": {http: "POST", errText: "ErrMsg", success: true, writes: true, run: createService, params: []param{
			{name: "EnvId", kind: whole, need: true},
			{name: "Name", need: true},
			{name: "ServiceType", need: true, words: "ClusterIP|NodePort"},
			{name: "K8sServiceId", need: true},
			{name: "PortMappings.N.Protocol", need: true, words: "TCP|UDP"},
			{name: "PortMappings.N.TargetPort", need: true},
			{name: "PortMappings.N.Port", kind: whole, need: true, lo: 1, hi: 65535},
			{name: "PortMappings.N.Name", need: true},
			{name: "Headless", kind: truth},
			{name: "PortMappings.N.NodePort", kind: whole, lo: 30000, hi: 32767},
		}},
	}
}
