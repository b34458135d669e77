package sim

import (
	"testing"

	sdkcore "github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"
)

// sdk returns the vendor's own client for the lab.
func (l *lab) sdk() *retailcloud.Client {
	l.t.Helper()
	c, err := retailcloud.NewClientWithOptions("cn-hangzhou", sdkcore.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential("testid", "testsecret"))
	if err != nil {
		l.t.Fatal(err)
	}
	c.Domain = l.url[len("http://"):]
	return c
}

// realTime lets the lab run by the real clock, which the vendor's client signs with.
func realTime(c *Config) { c.Now, c.RealNow, c.TransitionMS = nil, nil, -1 }

func TestSDKApp(t *testing.T) {
	l := newLab(t, realTime)
	c := l.sdk()
	q := retailcloud.CreateCreateAppRequest()
	q.Title, q.BizCode, q.Language, q.OperatingSystem, q.ServiceType = "a b*~+/中", "JST", "C#", "Linux", "GeneralApplication"
	q.UserRoles = &[]retailcloud.CreateAppUserRoles{{RoleName: "Owner", UserId: "user-1", UserType: "TAOBAO"}}
	made, err := c.CreateApp(q)
	if err != nil || made.Code != 0 || made.Result.AppId == 0 || made.RequestId == "" {
		t.Fatalf("got %+v: %v", made, err)
	}
	again := retailcloud.CreateCreateAppRequest()
	again.Title, again.BizCode, again.Language, again.OperatingSystem, again.ServiceType = q.Title, "JST", "C#", "Linux", "GeneralApplication"
	again.UserRoles = q.UserRoles
	if r, err := c.CreateApp(again); err != nil || r.Code != codeConflict || r.ErrMsg == "" {
		t.Errorf("refused business is an ordinary answer: %+v: %v", r, err)
	}
	read := retailcloud.CreateDescribeAppDetailRequest()
	read.AppId = requests.NewInteger64(made.Result.AppId)
	if r, err := c.DescribeAppDetail(read); err != nil || r.Result.Title != q.Title || len(r.Result.UserRoles) != 1 {
		t.Errorf("got %+v: %v", r, err)
	}
	if got := l.cloud.Counts()["CreateApp"]; got != (Count{Calls: 2, OK: 1, Refused: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestSDKRegions(t *testing.T) {
	l := newLab(t, realTime)
	c, err := ecs.NewClientWithOptions("cn-hangzhou", sdkcore.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential("testid", "testsecret"))
	if err != nil {
		t.Fatal(err)
	}
	c.Domain = l.url[len("http://"):]
	q := ecs.CreateDescribeRegionsRequest()
	q.AcceptLanguage, q.ResourceType, q.InstanceChargeType = "en-US", "scu", "PrePaid"
	r, err := c.DescribeRegions(q)
	if err != nil || len(r.Regions.Region) != 5 || r.Regions.Region[0].LocalName != "China (Hangzhou)" || r.Regions.Region[4].Status != "soldOut" {
		t.Errorf("got %+v: %v", r, err)
	}
}
