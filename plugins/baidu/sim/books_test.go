package sim_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tradewind.example/plugins/baidu/sim"
)

// Whatever is bought, changed, renewed, refunded and moved, the books hold at
// each step, and a cloud that reads the state file knows the same.
func TestBooksHold(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		cfg := config()
		cfg.StateFile = filepath.Join(dir, fmt.Sprint(n))
		cloud, err := sim.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		srv := httptest.NewServer(cloud)
		defer srv.Close()
		w := &world{Cloud: cloud, url: srv.URL, t: t}
		for range rapid.IntRange(3, 12).Draw(rt, "steps") {
			w.step(rt)
			checkBooks(t, cloud)
		}
		want := cloud.Report(1000)
		again, err := sim.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, again.Report(1000)); diff != "" {
			rt.Fatalf("the state file says otherwise (-before +after):\n%s", diff)
		}
		if err := again.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// step makes one call, which may be refused.
func (w *world) step(rt *rapid.T) {
	instances, _ := w.ok(get("/v2/instance"))["instances"].([]any)
	pick := func() string {
		if len(instances) == 0 {
			return "i-none"
		}
		one, _ := instances[rapid.IntRange(0, len(instances)-1).Draw(rt, "instance")].(map[string]any)
		return text(one, "id")
	}
	month := object{"billing": object{"reservation": object{"reservationLength": 1, "reservationTimeUnit": "month"}}}
	size := rapid.SampledFrom([]string{"bcc.g5.c1m4", "bcc.c5.c4m8", "bcc.m5.c8m64"})
	switch rapid.SampledFrom([]string{"buy", "hourly", "renew", "resize", "refund", "confirm", "delete", "prepay", "move", "console", "wait"}).Draw(rt, "step") {
	case "buy":
		w.do(post("/v2/instanceBySpec", machine(object{"spec": size.Draw(rt, "size"), "networkCapacityInMbps": rapid.IntRange(0, 7).Draw(rt, "mbps")})))
	case "hourly":
		w.do(post("/v2/instanceBySpec", postpaid(object{"spec": size.Draw(rt, "size"), "createCdsList": []object{{"cdsSizeInGB": 50}}})))
	case "renew":
		w.do(put("/v2/instance/"+pick(), "purchaseReserved", month).with("relatedRenewFlag", "CDS_EIP"))
	case "resize":
		w.do(put("/v2/instanceBySpec/"+pick(), "resize", object{"spec": size.Draw(rt, "size"), "liveResize": true}))
	case "refund":
		w.do(post("/v2/instance/delete", object{"instanceId": pick(), "relatedReleaseFlag": rapid.Bool().Draw(rt, "related")}))
	case "confirm":
		list, _ := w.ok(post(listPath, object{"status": "NEED_CONFIRM"}))["orders"].([]any)
		for _, o := range list {
			one, _ := o.(map[string]any)
			w.do(post(payPath, object{"orderId": one["uuid"]}))
		}
	case "delete":
		w.do(del("/v2/instance/" + pick()))
	case "prepay":
		w.do(call{method: "POST", path: "/v2/instance/" + pick(), query: map[string]string{"toPrepay": ""}, body: object{"duration": 1, "relationCds": true}})
	case "move":
		w.do(post("/v1/finance/supervisor/balance/transfer", object{"supervisedId": userOne, "amount": rapid.IntRange(1, 500).Draw(rt, "amount")}))
	case "console":
		w.do(post(payPath, object{"queryAccountId": userOne, "orderId": w.place(newOrder())}))
	case "wait":
		w.advance(time.Duration(rapid.IntRange(1, 20*24).Draw(rt, "hours")) * time.Hour)
	}
	w.advance(time.Second)
}
