package sim

import "slices"

// region is a place of the cloud with its name by language.
type region struct{ id, zh, en, ja string }

func regionList() []region {
	return []region{
		{"cn-hangzhou", "华东1（杭州）", "China (Hangzhou)", "中国 (杭州)"},
		{"cn-shanghai", "华东2（上海）", "China (Shanghai)", "中国 (上海)"},
		{"cn-beijing", "华北2（北京）", "China (Beijing)", "中国 (北京)"},
		{"cn-zhangjiakou", "华北3（张家口）", "China (Zhangjiakou)", "中国 (張家口)"},
		{"cn-shenzhen", "华南1（深圳）", "China (Shenzhen)", "中国 (深セン)"},
	}
}

func knownRegion(id string) bool {
	return slices.ContainsFunc(regionList(), func(r region) bool { return r.id == id })
}

func regionName(id string) string {
	r, _ := find(regionList(), func(r region) bool { return r.id == id })
	return r.zh
}

// regionsAction is the one action of ECS.
func regionsAction() action {
	return action{http: "POST", bare: true, run: describeRegions, params: []param{
		{name: "InstanceChargeType"}, {name: "ResourceType"}, {name: "AcceptLanguage"},
		{name: "OwnerId", kind: whole}, {name: "OwnerAccount"}, {name: "ResourceOwnerId", kind: whole}, {name: "ResourceOwnerAccount"},
	}}
}

// describeRegions refuses as ECS does: by the gateway. The last region has no
// dedicated storage, so that both states are seen.
func describeRegions(_ *world, q *call) (answer, *refusal) {
	for name, words := range map[string][]string{
		"InstanceChargeType": {"PrePaid", "PostPaid"},
		"ResourceType":       {"instance", "disk", "reservedinstance", "scu"},
		"AcceptLanguage":     {"zh-CN", "en-US", "ja"},
	} {
		if v := q.str(name); v != "" && !slices.Contains(words, v) {
			return nil, gateway(400, "InvalidParameter", "The specified parameter %s is not valid.", name)
		}
	}
	rows := []answer{}
	for i, r := range regionList() {
		state, name := "available", r.zh
		if q.str("ResourceType") == "scu" && i == len(regionList())-1 {
			state = "soldOut"
		}
		switch q.str("AcceptLanguage") {
		case "en-US":
			name = r.en
		case "ja":
			name = r.ja
		}
		rows = append(rows, answer{"RegionId": r.id, "LocalName": name, "RegionEndpoint": "ecs." + r.id + ".aliyuncs.com", "Status": state})
	}
	return answer{"Regions": answer{"Region": rows}}, nil
}
