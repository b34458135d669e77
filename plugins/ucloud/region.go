package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/uaccount"

	"tradewind.example/sdk/provider"
)

// regionNames are the names people know; the cloud's own answer has others or none.
func regionNames() map[string]string {
	return map[string]string{
		"cn-bj1": "华北一 北京一", "cn-bj2": "华北一 北京二", "cn-wlcb": "华北二 乌兰察布",
		"cn-sh1": "华东 上海一", "cn-sh2": "华东 上海二", "cn-gd": "华南 广州", "cn-gd2": "华南 广州二",
		"hk": "香港", "tw-tp": "台北", "tw-kh": "高雄", "jpn-tky": "东京", "kr-seoul": "首尔", "sg": "新加坡",
		"th-bkk": "曼谷", "idn-jakarta": "雅加达", "vn-sng": "胡志明市", "ph-mnl": "马尼拉", "ind-mumbai": "孟买",
		"uae-dubai": "迪拜", "us-ca": "洛杉矶", "us-ws": "华盛顿", "us-den": "丹佛", "bra-saopaulo": "圣保罗",
		"uk-london": "伦敦", "ge-fra": "法兰克福", "rus-mosc": "莫斯科", "afr-nigeria": "拉各斯",
	}
}

// Regions returns the account's regions, in the cloud's order.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	c, err := p.open(req.Call)
	if err != nil {
		return nil, err
	}
	return c.regions(ctx)
}

// regions groups the cloud's rows, one for each zone, by region.
func (c *cloud) regions(ctx context.Context) ([]provider.Region, error) {
	answer, err := read(ctx, c.at("", ""), uaccount.NewClient, func(k *uaccount.UAccountClient) (*uaccount.GetRegionResponse, error) {
		return k.GetRegion(k.NewGetRegionRequest())
	})
	if err != nil {
		return nil, err
	}
	var out []provider.Region
	at, names := map[string]int{}, regionNames()
	for _, row := range answer.Regions {
		i, known := at[row.Region]
		if !known {
			i = len(out)
			at[row.Region] = i
			out = append(out, provider.Region{ID: row.Region, Name: firstText(names[row.Region], row.RegionName, row.Region)})
		}
		if row.Zone != "" {
			out[i].Zones = append(out[i].Zones, provider.Zone{ID: row.Zone, Name: row.Zone})
		}
	}
	return out, nil
}

func (c *cloud) projects(ctx context.Context) ([]uaccount.ProjectListInfo, error) {
	answer, err := read(ctx, c.at("", ""), uaccount.NewClient, func(k *uaccount.UAccountClient) (*uaccount.GetProjectListResponse, error) {
		return k.GetProjectList(k.NewGetProjectListRequest())
	})
	if err != nil {
		return nil, err
	}
	return answer.ProjectSet, nil
}

func firstText(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
