package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestEventsAreWorthTheirTime lets two resellers do the same at the same plugins.
// The account of one tells of events, that of the other is silent: what the first
// one's customers see early, the other's see when the broker asks by itself.
func TestEventsAreWorthTheirTime(t *testing.T) {
	m := openMarket(t, "sandbox", "shelf")
	sellers := map[string]*client{"telling": m.seller("telling"), "silent": m.seller("silent")}
	slow := map[string]string{"create_millis": "2500", "break_millis": "8000", "ask_after_millis": "8000"}
	mute := map[string]string{"silent": "true"}
	for k, v := range slow {
		mute[k] = v
	}
	m.offer("sandbox", "api_key", map[string]map[string]string{"telling": slow, "silent": mute}, sellers)
	m.offer("shelf", "master", map[string]map[string]string{"telling": {"stock": "9"}, "silent": {"stock": "9", "silent": "true"}}, sellers)
	told, waits := m.buyer(sellers["telling"], "told"), m.buyer(sellers["silent"], "waits")
	m.again() // a broker looks for accounts to listen to when it starts
	m.must(told.signIn(t.Context()))
	m.must(waits.signIn(t.Context()))
	t.Run("stream", func(t *testing.T) { m.t = t; m.streamed(t, told, waits) })
	t.Run("sink", func(t *testing.T) { m.t = t; m.emitted(t, told, waits) })
}

// streamed: an order ends when the plugin's stream says so, and an instance that
// stops by itself is seen.
func (m *market) streamed(t *testing.T, told, waits *client) {
	term := map[string]any{"billing": "prepaid", "period": "month", "periods": 1, "quantity": 1}
	var took [2]time.Duration
	var id [2]string
	var group sync.WaitGroup
	for i, who := range []*client{told, waits} {
		group.Go(func() {
			began := time.Now()
			order := m.order(who, "sandbox/Small East", "", term)
			id[i] = m.delivered(who, order)
			took[i] = time.Since(began)
		})
	}
	group.Wait()
	t.Logf("an instance that takes 2.5 s is delivered after %s with the event, after %s without", round(took[0]), round(took[1]))
	if took[0] >= took[1]-2*time.Second || took[1] < 8*time.Second {
		t.Errorf("the event hastened nothing: %s with it, %s without", took[0], took[1])
	}
	m.must(wait(20*time.Second, func() (bool, error) { return m.thing(told, id[0]).Status == "stopped", nil }))
	if r := m.thing(waits, id[1]); r.Status != "running" {
		t.Errorf("the broker knows without an event that the other instance is %s: the measure is worth nothing", r.Status)
	}
}

// emitted: an action on one box changes another, of which only the plugin can
// know.
func (m *market) emitted(t *testing.T, told, waits *client) {
	var boxes [2][2]string
	once := map[string]any{"billing": "once", "quantity": 1}
	for i, who := range []*client{told, waits} {
		for j, article := range []string{"shelf/Lamp", "shelf/Clock"} {
			boxes[i][j] = m.delivered(who, m.order(who, article, "", once))
		}
	}
	swap := func(i int, who *client) time.Time {
		with := m.thing(who, boxes[i][1]).VendorID
		m.must(who.do(t.Context(), http.MethodPost, "/v1/resources/"+boxes[i][0]+"/actions/swap", "swap-"+who.login, map[string]any{"input": map[string]string{"box": with}}, nil))
		return time.Now()
	}
	swap(1, waits)
	began := swap(0, told)
	m.must(wait(20*time.Second, func() (bool, error) { return m.thing(told, boxes[0][1]).State.Article == "lamp", nil }))
	t.Logf("the other box is read again %s after the swap", round(time.Since(began)))
	if r := m.thing(waits, boxes[1][1]); r.State.Article != "clock" {
		t.Errorf("the broker knows without an event that the other box has a %s: the measure is worth nothing", r.State.Article)
	}
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
