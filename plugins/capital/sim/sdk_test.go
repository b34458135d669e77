package sim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/capitalonline/cds-gic-sdk-go/common"
	sdkerrors "github.com/capitalonline/cds-gic-sdk-go/common/errors"
	cdshttp "github.com/capitalonline/cds-gic-sdk-go/common/http"
	"github.com/capitalonline/cds-gic-sdk-go/common/profile"
	sdkplatform "github.com/capitalonline/cds-gic-sdk-go/platform"

	"tradewind.example/plugins/capital/sim"
)

// toSim sends what the SDK addresses to the vendor's hosts to the simulator.
type toSim struct {
	base *url.URL
	next http.RoundTripper
}

func (t toSim) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = t.base.Scheme, t.base.Host
	return t.next.RoundTrip(r)
}

// rawRequest and rawResponse carry any action through the SDK's client.
type rawRequest struct {
	*cdshttp.BaseRequest
	body any
}

func (r *rawRequest) MarshalJSON() ([]byte, error) { return json.Marshal(r.body) }

type rawResponse struct {
	*cdshttp.BaseResponse
	raw json.RawMessage
}

func (r *rawResponse) UnmarshalJSON(b []byte) error {
	r.raw = append(r.raw[:0], b...)
	return nil
}

// ParseErrorFromHTTPResponse leaves judging to the test.
func (r *rawResponse) ParseErrorFromHTTPResponse([]byte) error { return nil }

// sdk is the vendor's client, aimed at a simulator that reads the real clock
// for timestamps, as the SDK writes them.
type sdk struct {
	*sdkplatform.Client
	t testing.TB
}

func newSDK(t *testing.T, secret string) (*world, sdk) {
	t.Helper()
	w := newWorld(t, func(c *sim.Config) { c.Wall = time.Now })
	base, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	client, err := sdkplatform.NewClient(common.NewCredential("AKEXAMPLE", secret), "", profile.NewClientProfile())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	client.WithHttpTransport(toSim{base, tr})
	return w, sdk{client, t}
}

// call sends an action; a GET's arguments go in the query.
func (s sdk) call(method, domain, action string, a args) (map[string]any, error) {
	req := &rawRequest{BaseRequest: &cdshttp.BaseRequest{}, body: a}
	req.Init().WithApiInfo("x", "2019-08-08", action)
	req.SetDomain(domain)
	req.SetHttpMethod(method)
	if method == http.MethodGet {
		for k, v := range a {
			req.GetParams()[k] = v.(string)
		}
	}
	res := &rawResponse{BaseResponse: &cdshttp.BaseResponse{}}
	if err := s.Send(req, res); err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(res.raw, &out)
}

func (s sdk) must(method, domain, action string, a args) map[string]any {
	s.t.Helper()
	out, err := s.call(method, domain, action, a)
	if err != nil || text(out, "Code")+text(out, "code") != "Success" {
		s.t.Fatalf("%s: %v %v", action, out, err)
	}
	return out
}

// TestSDK drives the whole life of an instance with the vendor's own client.
func TestSDK(t *testing.T) { //nolint:tparallel // the SDK sets flags of the log package, without a lock
	w, s := newSDK(t, "SKEXAMPLE")
	const e, v = "api.capitalonline.net/ecs/v1", "cdsapi.capitalonline.net/vpc"
	s.must(http.MethodGet, e, "DescribeZoneInstanceType", args{"AvailableZoneCode": edgeZone, "EcsFamilyName": "专业 渲染型*~/rp3+x"})
	made := s.must(http.MethodPost, v, "CreateVPC", args{
		"RegionCode": edge, "VPCName": "网 络*", "VPCSegment": "10.15.0.0/16", "VPCSegmentType": "auto", "BandwidthType": "Bandwidth_CMCC",
		"SubnetList": []args{{"AvailableZoneCode": edgeZone, "SubnetName": "sub", "SubnetSegment": "10.15.1.0/24"}},
	})
	w.advance(time.Second)
	n := network{vpc: text(made, "Data", "VPCId"), subnet: text(made, "Data", "SubnetIdList", 0)}
	done := s.must(http.MethodGet, v, "DescribeTask", args{"TaskId": text(made, "TaskId")})
	if text(done, "Data", "TaskStatus") != "success" || text(done, "Data", "ResourceId") != n.vpc {
		t.Errorf("the task of the vpc: %v", done)
	}
	bought := s.must(http.MethodPost, e, "CreateInstance", order(n, edgeZone, args{"Name": "名 字"}))
	w.advance(time.Second)
	list := s.must(http.MethodGet, e, "DescribeInstanceList", args{"SearchInfo": "名 字"})
	if text(list, "Data", "EcsList", 0, "EcsId") != text(bought, "Data", "EcsIdSet", 0) {
		t.Errorf("it is found by its name: %v", list)
	}
	s.must(http.MethodGet, "api.capitalonline.net/ebs/v1", "DescribeDiskQuota", args{"AvailableZoneCode": edgeZone})
}

func TestSDKTypedSubjects(t *testing.T) { //nolint:tparallel // as above
	_, s := newSDK(t, "SKEXAMPLE")
	res, err := s.DescribeSubjects(sdkplatform.NewDescribeSubjectsRequest())
	if err != nil || len(res.Data.SubjectList) != 1 || *res.Data.SubjectList[0].Id != 7 || *res.Data.SubjectList[0].Balance != "1000.01" {
		t.Errorf("the SDK's own type reads the answer: %+v, %v", res, err)
	}
}

func TestSDKSeesRefusals(t *testing.T) { //nolint:tparallel // as above
	_, s := newSDK(t, "WRONG")
	_, err := s.call(http.MethodGet, "api.capitalonline.net/ecs/v1", "DescribeRegions", nil)
	var refused *sdkerrors.CdsSDKError
	if !errors.As(err, &refused) {
		t.Errorf("a wrong secret is an error of the SDK: %v", err)
	}
}
