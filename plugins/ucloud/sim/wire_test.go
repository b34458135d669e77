package sim_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"tradewind.example/plugins/ucloud/sim"
)

func TestGatewayRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *sim.Config) {
		c.Accounts[0].Tokens = []sim.Token{{Value: "good"}, {Value: "old", ExpiresUnix: 1}}
		c.Accounts = append(c.Accounts,
			sim.Account{Name: "sub", PublicKey: "public-sub", PrivateKey: private, SubUser: true},
			sim.Account{Name: "channel", PublicKey: "public-channel", PrivateKey: private, ChannelKey: "key"})
	})
	balance := map[string]string{"Action": "GetBalance"}
	with := func(more map[string]string) map[string]string {
		out := maps.Clone(balance)
		maps.Copy(out, more)
		return out
	}
	wrong := signed(balance)
	wrong["Signature"] = strings.Repeat("0", 40)
	cases := map[string]struct {
		reason string
		values map[string]string
		want   int
	}{
		"NoAction":       {"the action is read from the body alone", map[string]string{}, 160},
		"UnknownAction":  {"an action that does not exist", map[string]string{"Action": "NoSuch"}, 161},
		"NoSignature":    {"unsigned calls are refused", map[string]string{"Action": "GetBalance", "PublicKey": public}, 170},
		"WrongSignature": {"a wrong signature is refused", wrong, 171},
		"NoUser":         {"an unknown key", signed(with(map[string]string{"PublicKey": "nobody"})), 172},
		"NoToken":        {"an unknown token", signed(with(map[string]string{"SecurityToken": "bad"})), 174},
		"OldToken":       {"an expired token", signed(with(map[string]string{"SecurityToken": "old"})), 174},
		"GoodToken":      {"a known token passes", signed(with(map[string]string{"SecurityToken": "good"})), 0},
		"ChannelKey":     {"the channel-key header is missing", signed(with(map[string]string{"PublicKey": "public-channel"})), 174},
		"NoProject":      {"an unknown project", signed(with(map[string]string{"ProjectId": "org-none"})), 292},
		"SubNoProject": {"a sub user must name the project", signed(map[string]string{
			"Action": "DescribeUHostInstance", "Region": region, "PublicKey": "public-sub",
		}), 292},
		"NoRegion":  {"a resource call without region", signed(map[string]string{"Action": "DescribeUHostInstance"}), 220},
		"BadRegion": {"an unknown region", signed(map[string]string{"Action": "DescribeUHostInstance", "Region": "xx"}), 230},
		"BadZone":   {"a zone of another region", signed(map[string]string{"Action": "DescribeEIP", "Region": region, "Zone": "hk-02"}), 230},
		"BigLimit":  {"pages hold at most 100", signed(map[string]string{"Action": "DescribeEIP", "Region": region, "Limit": "101"}), 230},
		"Tolerated": {"public parameters are tolerated everywhere", signed(with(map[string]string{"Region": "xx", "Zone": "y"})), 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := w.form(c.values)
			if got := retCode(out); got != c.want {
				t.Errorf("%s: RetCode %d, want %d (%v)", c.reason, got, c.want, out["Message"])
			}
			if c.want != 0 && out["Message"] == "" {
				t.Errorf("%s: no message", c.reason)
			}
			if want := c.values["Action"] + "Response"; out["Action"] != want {
				t.Errorf("%s: action %v, want %s", c.reason, out["Action"], want)
			}
		})
	}
}

func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason, method, path, kind, body string
		status                           int
		want                             string
	}{
		"Get": {
			"GET carries the parameters in the query", http.MethodGet,
			"/any/path?" + encode(signed(map[string]string{"Action": "GetBalance"})), "", "", 200, `"RetCode":0`,
		},
		"JSON": {
			"lists and numbers of a JSON body are signed by their elements", http.MethodPost, "/", "application/json",
			`{"Action":"DescribeUHostInstance","Region":"cn-bj2","Limit":10,"UHostIds":["a","b"],"PublicKey":"public-one","Signature":"` +
				sim.Sign(map[string]string{"Action": "DescribeUHostInstance", "Region": "cn-bj2", "Limit": "10", "UHostIds": "ab", "PublicKey": public}, private) + `"}`,
			200, `"RetCode":0`,
		},
		"QueryAction": {"the copy of the action in the query does not count", http.MethodPost, "/?Action=GetBalance", "application/x-www-form-urlencoded", "", 200, `"RetCode":160`},
		"Put":         {"other methods are refused", http.MethodPut, "/", "", "", 405, ""},
		"BadJSON":     {"a broken body", http.MethodPost, "/", "application/json", "{", 400, ""},
		"Huge":        {"the body is bounded", http.MethodPost, "/", "", strings.Repeat("a", 2<<20), 413, ""},
		"Deep":        {"JSON bodies are shallow", http.MethodPost, "/", "application/json", strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), 413, ""},
		"Many":        {"the number of parameters is bounded", http.MethodPost, "/", "", strings.Repeat("a=b&", 3000), 413, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), c.method, w.url+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.kind)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
			defer func() { _ = res.Body.Close() }()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != c.status || !strings.Contains(string(body), c.want) {
				t.Errorf("%s: status %d, want %d; body %s, want %s", c.reason, res.StatusCode, c.status, body, c.want)
			}
		})
	}
}

func TestCreateValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := map[string]struct {
		reason string
		change map[string]string
		want   int
	}{
		"Sound":          {"the base request is accepted", nil, 0},
		"NoImage":        {"ImageId is required", map[string]string{"ImageId": ""}, 220},
		"BadImage":       {"the image must exist", map[string]string{"ImageId": "uimage-none"}, 230},
		"NoZone":         {"Zone is required", map[string]string{"Zone": ""}, 220},
		"NoLoginMode":    {"LoginMode is required", map[string]string{"LoginMode": ""}, 220},
		"KeyPairNoID":    {"a key pair needs its id", map[string]string{"LoginMode": "KeyPair"}, 220},
		"BadCPU":         {"three cores do not exist", map[string]string{"CPU": "3"}, 8044},
		"NotANumber":     {"numbers are parsed strictly", map[string]string{"CPU": "2x"}, 230},
		"OddMemory":      {"memory is a multiple of 1024", map[string]string{"Memory": "4097"}, 8046},
		"MuchMemory":     {"memory fits the cores", map[string]string{"Memory": "262144"}, 8046},
		"BadMachine":     {"the machine type must exist", map[string]string{"MachineType": "ZZ"}, 230},
		"GPUOnN":         {"cards belong to G", map[string]string{"GPU": "1", "GpuType": "T4"}, 230},
		"GNoType":        {"G needs a card type", map[string]string{"MachineType": "G"}, 220},
		"NoDisks":        {"a system disk is required", map[string]string{"Disks.0.IsBoot": "", "Disks.0.Size": "", "Disks.0.Type": ""}, 220},
		"NoBoot":         {"one disk must be the system disk", map[string]string{"Disks.0.IsBoot": "False"}, 230},
		"TwoBoots":       {"only one disk may be it", map[string]string{"Disks.1.IsBoot": "True", "Disks.1.Size": "40", "Disks.1.Type": "CLOUD_SSD"}, 230},
		"SmallBoot":      {"the system disk holds the image", map[string]string{"Disks.0.Size": "10"}, 8315},
		"LargeBoot":      {"the system disk is bounded", map[string]string{"Disks.0.Size": "501"}, 8126},
		"LocalBoot":      {"a local system disk equals the image", map[string]string{"Disks.0.Type": "LOCAL_NORMAL"}, 8126},
		"WrongPair":      {"N has no RSSD system disk", map[string]string{"Disks.0.Type": "CLOUD_RSSD"}, 230},
		"BigData":        {"data disks are bounded", map[string]string{"Disks.1.IsBoot": "False", "Disks.1.Size": "8001", "Disks.1.Type": "CLOUD_SSD"}, 8126},
		"DataOK":         {"a data disk of the right kind", map[string]string{"Disks.1.IsBoot": "False", "Disks.1.Size": "100", "Disks.1.Type": "CLOUD_ESSD"}, 0},
		"ONeedsRSSD":     {"O takes an RSSD system disk", map[string]string{"MachineType": "O", "Disks.0.Type": "CLOUD_RSSD"}, 0},
		"PlainPassword":  {"the password is base64", map[string]string{"Password": "Correct-horse-7"}, 230},
		"DoublyEncoded":  {"double encoding is caught", map[string]string{"Password": "UTI5eWNtVmpkQzFvYjNKelpTMDM="}, 230},
		"WeakPassword":   {"one class of characters is too few", map[string]string{"Password": "YWJjZGVmZ2hp"}, 230},
		"WindowsTwo":     {"Windows wants three classes", map[string]string{"ImageId": "uimage-windows2022", "Password": "YWJjZGVmZ2hpMTI="}, 230},
		"BadName":        {"names have an alphabet", map[string]string{"Name": "a b"}, 230},
		"ChineseName":    {"Chinese names are allowed", map[string]string{"Name": "服务器-1"}, 0},
		"LongTag":        {"tags have 63 characters", map[string]string{"Tag": strings.Repeat("a", 64)}, 230},
		"BadCharge":      {"the charge type is a closed list", map[string]string{"ChargeType": "Week"}, 230},
		"YearZero":       {"month ends belong to Month", map[string]string{"ChargeType": "Year", "Quantity": "0"}, 230},
		"TooMany":        {"MaxCount is bounded", map[string]string{"MaxCount": "101"}, 230},
		"BadBandwidth":   {"bandwidth is bounded", map[string]string{"NetworkInterface.0.EIP.OperatorName": "BGP", "NetworkInterface.0.EIP.Bandwidth": "0"}, 4227},
		"TooMuchTraffic": {"traffic mode has a lower bound", map[string]string{"NetworkInterface.0.EIP.OperatorName": "BGP", "NetworkInterface.0.EIP.PayMode": "Traffic", "NetworkInterface.0.EIP.Bandwidth": "301"}, 4227},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := w.form(signed(rawCreate(c.change)))
			if got := retCode(out); got != c.want {
				t.Errorf("%s: RetCode %d, want %d (%v)", c.reason, got, c.want, out["Message"])
			}
		})
	}
}
