package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tradewind.example/core/money"
)

const cny = money.Currency("CNY")

// report is what the run writes as JSON: sums over all clouds, then each.
type report struct {
	Orders            int                          `json:"orders"`
	Accepted          int                          `json:"accepted"`
	Refused           map[string]int               `json:"refused"`
	ResourcesAtCloud  int                          `json:"resources_at_cloud"`
	ResourcesInBroker int                          `json:"resources_in_broker"`
	DoublePurchases   int                          `json:"double_purchases"`
	LostOrders        int                          `json:"lost_orders"`
	PartsAtCloud      int                          `json:"parts_at_cloud"`
	PartsInBroker     int                          `json:"parts_in_broker"`
	CustomerPaid      string                       `json:"customer_paid"`
	Margins           map[string]string            `json:"margins"`
	ProviderNet       string                       `json:"provider_net"`
	LedgerSums        map[string]map[string]string `json:"ledger_sums"`
	Statements        []statement                  `json:"statements"`
	Clouds            map[string]*cloudBooks       `json:"clouds"`
}

// cloudBooks is the account of one cloud.
type cloudBooks struct {
	Title             string         `json:"title"`
	Orders            int            `json:"orders"`
	Accepted          int            `json:"accepted"`
	Refused           map[string]int `json:"refused"`
	SoldOut           string         `json:"sold_out_order"`
	AnswerLost        string         `json:"answer_lost_order"`
	Renewed           string         `json:"renewal_order,omitempty"`
	Refunded          string         `json:"release_order"`
	ResourcesAtCloud  int            `json:"resources_at_cloud"`
	ResourcesInBroker int            `json:"resources_in_broker"`
	DoublePurchases   int            `json:"double_purchases"`
	LostOrders        int            `json:"lost_orders"`
	PartsAtCloud      int            `json:"parts_at_cloud"`
	PartsInBroker     int            `json:"parts_in_broker"`
	PartsEnded        int            `json:"parts_ended"`
	PartActedOn       string         `json:"part_acted_on,omitempty"`
	ChargedAtList     string         `json:"charged_at_list,omitempty"`
	ProviderNet       string         `json:"provider_net"`
	Statement         string         `json:"statement"`
}

type statement struct {
	ID         string `json:"id"`
	Seller     string `json:"seller"`
	Buyer      string `json:"buyer"`
	State      string `json:"state"`
	Amount     string `json:"amount"`
	Commission string `json:"commission"`
	Net        string `json:"net"`
	Count      int64  `json:"count"`
	File       string `json:"file"`
}

// settle closes the month of every pair that has unsettled bills.
func (p *play) settle(ctx context.Context) error {
	if err := p.passMonth(ctx); err != nil {
		return err
	}
	for _, seller := range p.sellers() {
		if err := seller.post(ctx, "/v1/statements/run", map[string]string{}, nil); err != nil {
			return err
		}
		if err := seller.post(ctx, "/v1/statements/run", map[string]string{}, nil); err != nil {
			return fmt.Errorf("running it twice: %w", err)
		}
	}
	for _, who := range p.sellers() {
		err := each(ctx, who, "/v1/statements?state=open", func(s statement) error { return p.close1(ctx, who, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// sellers are the people who settle with their buyers; the operator does it
// for the clouds.
func (p *play) sellers() []*client {
	out := []*client{p.cast.operator, p.cast.reseller}
	if p.cast.sub != nil {
		out = append(out, p.cast.sub)
	}
	return out
}

// close1 agrees to a statement and exports it.
func (p *play) close1(ctx context.Context, who *client, s statement) error {
	if err := who.pay(ctx, "/v1/statements/"+s.ID+"/agree", "agree-"+s.ID, map[string]string{"note": "checked"}, &s); err != nil {
		return err
	}
	name := filepath.Join(p.work, "statement-"+s.ID+".xlsx")
	if err := who.download(ctx, "/v1/statements/"+s.ID+"/export", name); err != nil {
		return err
	}
	p.say("   %s → %s: %d bills, amount %s, commission %s, net %s CNY: %s", p.nameOf(s.Seller), p.nameOf(s.Buyer), s.Count, s.Amount, s.Commission, s.Net, s.State)
	return nil
}

func (c *client) download(ctx context.Context, path, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	resp, err := httpClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "PK") {
		return fmt.Errorf("GET %s: %d, not a workbook", path, resp.StatusCode)
	}
	return os.WriteFile(file, body, 0o600)
}

func (p *play) nameOf(org string) string {
	for _, who := range p.everybody() {
		if who.org == org {
			return who.name
		}
	}
	return org
}

// book is the sums of one org's ledger accounts by kind.
type book map[string]money.Amount

func (b book) of(kinds ...string) (money.Amount, error) {
	var sum money.Amount
	var err error
	for _, k := range kinds {
		if sum, err = sum.Add(b[k]); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

func (p *play) book(ctx context.Context, who *client) (book, error) {
	b := book{}
	err := each(ctx, who, "/v1/ledger/accounts", func(a struct {
		Kind     string         `json:"kind"`
		Currency money.Currency `json:"currency"`
		Balance  string         `json:"balance"`
	}) error {
		amount, err := money.Parse(a.Currency, a.Balance)
		if err != nil {
			return err
		}
		b[a.Kind], err = b[a.Kind].Add(amount)
		return err
	})
	return b, err
}

// held is the money set aside in somebody's wallets.
func (p *play) held(ctx context.Context, who *client) (money.Amount, error) {
	var sum money.Amount
	err := each(ctx, who, "/v1/wallets", func(w struct {
		Buyer    string         `json:"buyer"`
		Currency money.Currency `json:"currency"`
		Held     string         `json:"held"`
	}) error {
		if w.Buyer != who.org {
			return nil
		}
		amount, err := money.Parse(w.Currency, w.Held)
		if err != nil {
			return err
		}
		sum, err = sum.Add(amount)
		return err
	})
	return sum, err
}

// account reads everything back, adds it up and writes the report.
func (p *play) account(ctx context.Context) error {
	r := report{Refused: map[string]int{}, Margins: map[string]string{}, LedgerSums: map[string]map[string]string{}, Clouds: map[string]*cloudBooks{}}
	var problems []error
	for _, at := range p.providers {
		b, err := p.countAt(ctx, at)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", at.title, err))
		}
		r.add(at.name, b)
	}
	problems = append(problems, p.addUp(ctx, &r), p.listStatements(ctx, &r))
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if p.cfg.Out != "" {
		problems = append(problems, os.WriteFile(p.cfg.Out, append(text, '\n'), 0o600))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p.tell(r)
	return nil
}

// add counts a cloud in.
func (r *report) add(name string, b *cloudBooks) {
	r.Clouds[name] = b
	r.Orders, r.Accepted, r.LostOrders = r.Orders+b.Orders, r.Accepted+b.Accepted, r.LostOrders+b.LostOrders
	r.ResourcesAtCloud, r.ResourcesInBroker = r.ResourcesAtCloud+b.ResourcesAtCloud, r.ResourcesInBroker+b.ResourcesInBroker
	r.DoublePurchases += b.DoublePurchases
	r.PartsAtCloud, r.PartsInBroker = r.PartsAtCloud+b.PartsAtCloud, r.PartsInBroker+b.PartsInBroker
	for why, n := range b.Refused {
		r.Refused[why] += n
	}
}

// countAt is the account of one cloud without its money; it is there even when
// something does not add up.
func (p *play) countAt(ctx context.Context, at *provider) (*cloudBooks, error) {
	t := at.sold
	b := &cloudBooks{
		Title: at.title, Orders: t.requests, Accepted: len(t.accepted), Refused: t.refused,
		SoldOut: t.released, AnswerLost: t.adopted, Renewed: t.renewed, Refunded: t.refunded,
		PartActedOn: t.acted, PartsEnded: t.ended,
	}
	err := errors.Join(p.countResources(ctx, at, b), p.countOrders(ctx, at, b), p.countParts(ctx, at, b))
	if t.adopted == "" || t.released == "" || t.refunded == "" || at.renews != (t.renewed != "") {
		err = errors.Join(err, fmt.Errorf("the story was not played whole: %+v", t))
	}
	return b, err
}

func (p *play) countResources(ctx context.Context, at *provider, b *cloudBooks) error {
	cloud, err := at.report(ctx)
	if err != nil {
		return err
	}
	b.ResourcesAtCloud, b.DoublePurchases = cloud.Hosts+cloud.Apps, len(cloud.BoughtTwice)
	err = each(ctx, p.cast.operator, "/v1/resources?kind="+at.sells()+"&provider_id="+at.id, func(idOf) error { b.ResourcesInBroker++; return nil })
	if err != nil {
		return err
	}
	if b.ResourcesAtCloud != b.ResourcesInBroker || b.DoublePurchases != 0 {
		return fmt.Errorf("the cloud has %d %s, the broker %d; bought twice: %v", b.ResourcesAtCloud, at.plural(), b.ResourcesInBroker, cloud.BoughtTwice)
	}
	// One of the accepted orders failed, one purchase was given back.
	if want := b.Accepted - 2; b.ResourcesAtCloud != want {
		return fmt.Errorf("the cloud has %d %s, %d orders make %d", b.ResourcesAtCloud, at.plural(), b.Accepted, want)
	}
	return nil
}

// countOrders looks for orders that are neither delivered nor refused.
func (p *play) countOrders(ctx context.Context, at *provider, b *cloudBooks) error {
	for _, o := range at.sold.accepted {
		var now orderState
		if err := o.who.get(ctx, "/v1/orders/"+o.id, &now); err != nil {
			b.LostOrders++
			continue
		}
		if now.State != "active" && now.State != "failed" {
			b.LostOrders++
		}
	}
	if b.LostOrders > 0 {
		return fmt.Errorf("%d orders are lost", b.LostOrders)
	}
	return nil
}

// addUp reads every book: each sums to zero, and what the customers paid is
// what the clouds and everybody between kept.
func (p *play) addUp(ctx context.Context, r *report) error {
	var paid, net, between money.Amount
	for _, who := range p.everybody() {
		result, err := p.result(ctx, r, who)
		if err != nil {
			return err
		}
		at := p.providerOf(who)
		switch {
		case slices.Contains(p.cast.customers, who):
			paid, err = paid.Add(result)
		case at != nil:
			r.Clouds[at.name].ProviderNet = (-result).Format(cny)
			net, err = net.Sub(result)
		default:
			r.Margins[who.name] = (-result).Format(cny)
			between, err = between.Sub(result)
		}
		if err != nil {
			return err
		}
	}
	kept, err := net.Add(between)
	if err != nil {
		return err
	}
	r.CustomerPaid, r.ProviderNet = paid.Format(cny), net.Format(cny)
	if paid != kept {
		return fmt.Errorf("customers paid %s, clouds and margins are %s", paid.Format(cny), kept.Format(cny))
	}
	return nil
}

// result is what somebody spent less what came in, from a book that sums to zero.
func (p *play) result(ctx context.Context, r *report, who *client) (money.Amount, error) {
	b, err := p.book(ctx, who)
	if err != nil {
		return 0, err
	}
	var sum money.Amount
	for _, a := range b {
		if sum, err = sum.Add(a); err != nil {
			return 0, err
		}
	}
	r.LedgerSums[who.name] = map[string]string{string(cny): sum.Format(cny)}
	if sum != 0 {
		return 0, fmt.Errorf("the book of %s sums to %s", who.name, sum.Format(cny))
	}
	return b.of("revenue", "commission_expense", "cost", "commission_income")
}

// providerOf is the cloud whose viewer somebody is, nil for all others.
func (p *play) providerOf(who *client) *provider {
	for _, at := range p.providers {
		if at.viewer == who {
			return at
		}
	}
	return nil
}

// listStatements wants all settled, one of them with each cloud over what the
// cloud earned.
func (p *play) listStatements(ctx context.Context, r *report) error {
	seen := map[string]bool{}
	for _, who := range p.sellers() {
		err := each(ctx, who, "/v1/statements", func(s statement) error {
			if seen[s.ID] {
				return nil
			}
			seen[s.ID] = true
			s.File = "statement-" + s.ID + ".xlsx"
			r.Statements = append(r.Statements, s)
			if s.State != "settled" {
				return fmt.Errorf("statement %s is %s", s.ID, s.State)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, at := range p.providers {
		b, bills := r.Clouds[at.name], int64(0)
		for _, s := range r.Statements {
			if s.Seller == at.org && s.Net == b.ProviderNet {
				b.Statement, bills = s.ID, s.Count
			}
		}
		if b.Statement == "" {
			return fmt.Errorf("no statement settles the %s that %s earned", b.ProviderNet, at.title)
		}
		if err := p.compare(ctx, at, b, bills); err != nil {
			return fmt.Errorf("%s: %w", at.title, err)
		}
	}
	return nil
}

// compare holds what a cloud's statement asks to what the cloud itself charged:
// the wholesale rate of it, up to a fen for each bill. That holds for a cloud
// that pays nothing back too: it quotes releases with nothing. One that charges
// nothing has nothing to compare.
func (p *play) compare(ctx context.Context, at *provider, b *cloudBooks, bills int64) error {
	if at.free {
		return nil
	}
	report, err := at.report(ctx)
	if err != nil {
		return err
	}
	charged, err := report.charged()
	if err != nil {
		return err
	}
	b.ChargedAtList = charged.Format(cny)
	net, err := money.Parse(cny, b.ProviderNet)
	if err != nil {
		return err
	}
	const whole = 100
	apart := int64(charged)*wholesaleRate - int64(net)*whole // in hundredths of a fen
	if apart < -bills*whole || apart > bills*whole {
		return fmt.Errorf("the cloud charged %s at list price, %d %% of it are not the %s of its statement", b.ChargedAtList, wholesaleRate, b.ProviderNet)
	}
	return nil
}

// plural is what people call several things of all clouds together.
func (p *play) plural() string {
	out := p.providers[0].plural()
	for _, at := range p.providers {
		if at.plural() != out {
			return "resources"
		}
	}
	return out
}

// tell prints the account of the books.
func (p *play) tell(r report) {
	w := p.cfg.Stdout
	fmt.Fprintf(w, "\nThe books\n")
	fmt.Fprintf(w, "  %-34s %12s CNY\n", "customers paid", r.CustomerPaid)
	for _, at := range p.providers {
		fmt.Fprintf(w, "  %-34s %12s CNY\n", at.title+" keeps", r.Clouds[at.name].ProviderNet)
	}
	for _, n := range slices.Sorted(maps.Keys(r.Margins)) {
		fmt.Fprintf(w, "  %-34s %12s CNY\n", "margin of "+n, r.Margins[n])
	}
	for _, at := range p.providers {
		fmt.Fprintf(w, "  %-34s %12d\n", at.plural()+" at "+at.title, r.Clouds[at.name].ResourcesAtCloud)
	}
	fmt.Fprintf(w, "  %-34s %12d\n", p.plural()+" in the broker", r.ResourcesInBroker)
	if r.PartsAtCloud > 0 {
		fmt.Fprintf(w, "  %-34s %12d\n", "parts of them at the clouds", r.PartsAtCloud)
		fmt.Fprintf(w, "  %-34s %12d\n", "parts of them in the broker", r.PartsInBroker)
	}
	fmt.Fprintf(w, "  %-34s %12d\n", "bought twice", r.DoublePurchases)
	fmt.Fprintf(w, "  %-34s %12d\n", "orders lost", r.LostOrders)
	fmt.Fprintf(w, "  every one of %d books sums to zero; everything adds up\n", len(r.LedgerSums))
}
