package sim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// customer is an account that registered under a partner.
type customer struct {
	Partner string `json:"partner"`
	Pin     string `json:"pin"`
	Login   string `json:"login"`
	Mobile  string `json:"mobile"`
	UserID  string `json:"user_id,omitempty"`
	Created int64  `json:"created"`
}

// verifyCode is a code that was texted to a mobile.
type verifyCode struct {
	code  string
	sent  time.Time
	until time.Time
	tries int
}

// The rules for texted codes; they are this simulator's own.
const (
	codeLife  = 5 * time.Minute
	codePause = time.Minute
	codeTries = 5
	maxCodes  = 10000
)

var (
	mobilePattern = regexp.MustCompile(`^\+?[0-9]{5,20}$`)
	monthPattern  = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)
)

// partnerActions are the calls of the partner service. The last three are an
// invention of this simulator: the vendor documents no such calls.
func partnerActions() []action {
	const region = "/v1/regions/{regionId}/"
	on := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "partner", method: method, path: region + path, run: asPartner(run)}
	}
	return []action{
		on("QueryMyCustomerList", "POST", "customerManage:queryMyCustomerList", queryCustomers),
		on("GetPartnerUserList", "GET", "getPartnerUserList", partnerUsers),
		on("DescribePartnerBills", "POST", "describePartnerBills", partnerBills),
		on("GetEachConsumption", "GET", "accountingBill:getEachConsumption", eachConsumption),
		on("GetTotalConsumption", "GET", "accountingBill:getTotalConsumption", totalConsumption),
		on("DescribeCustomerBillByProduct", "GET", "accountingBill:describeCustomerBillByProduct", billByProduct),
		on("CheckMobile", "POST", "customerManage:checkMobile", checkMobile),
		on("SendVerifyCode", "POST", "customerManage:sendVerifyCode", sendVerifyCode),
		on("CreateCustomer", "POST", "customerManage:createCustomer", createCustomer),
	}
}

// asPartner refuses accounts that are no partners.
func asPartner(run func(*Cloud, *request) (answer, *apiError)) func(*Cloud, *request) (answer, *apiError) {
	return func(c *Cloud, q *request) (answer, *apiError) {
		if !q.acct.Partner {
			return nil, refuse(http.StatusForbidden, statusForbidden, "the account is no partner")
		}
		return run(c, q)
	}
}

// pages reads pageIndex and pageSize, which have their own rules here.
func (q *request) pages() page {
	return page{number: q.num("pageIndex", 1, 1, 1<<30), size: q.num("pageSize", 20, 1, 1000)}
}

// pagination writes where a page is.
func pagination(p page, total int) answer {
	return answer{
		"currPageNo": p.number, "numberPages": (total + p.size - 1) / p.size, "numberRecords": total, "pageSize": p.size,
		"startIndex": (p.number - 1) * p.size,
	}
}

func (c *Cloud) customersOf(partner string) []*customer {
	return c.customers.where(func(u *customer) bool { return u.Partner == partner })
}

func queryCustomers(c *Cloud, q *request) (answer, *apiError) {
	p := q.pages()
	pin, login, like := q.str("customerPin", ""), q.str("loginName", ""), q.str("nameLike", "")
	q.num("accountType", 1, 1, 2)
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := slices.DeleteFunc(c.customersOf(q.acct.Name), func(u *customer) bool {
		return !either(pin, u.Pin) || !either(login, u.Login) || !strings.Contains(u.Login, like)
	})
	rows := rowsOf(pageOf(found, p, false), func(u *customer) answer {
		at := time.Unix(u.Created, 0).In(beijing()).Format(time.DateTime)
		return answer{
			"pin": u.Pin, "loginName": u.Login, "tel": u.Mobile, "email": "", "aliasName": u.UserID, "relTime": at, "createTime": at,
			"source": 1, "realNameFlag": 0, "accountType": 1, "accountTypeName": "个人", "distributorPin": pinOf(q.acct.Name), "yn": 1,
		}
	})
	return answer{"pagination": pagination(p, len(found)), "result": rows}, nil
}

func partnerUsers(c *Cloud, q *request) (answer, *apiError) {
	pin, login := q.str("pin", ""), q.str("loginName", "")
	found := slices.DeleteFunc(c.customersOf(q.acct.Name), func(u *customer) bool { return !either(pin, u.Pin) || !either(login, u.Login) })
	rows := rowsOf(found, func(u *customer) answer {
		return answer{"customerId": digits("customer " + u.Pin), "pin": u.Pin, "loginName": u.Login, "type": 1, "typeName": "customer"}
	})
	return answer{"partnerUserDTOList": rows}, nil
}

// spent sums what a partner sees as consumption: the bills of the partner's
// own account, by service, because customers of this simulator hold no
// resources of their own.
func (c *Cloud) spent(account string, from, to time.Time) map[string]Fen {
	out := map[string]Fen{}
	for _, b := range c.bills.rows {
		if b.Account == account && b.Created >= from.Unix() && b.Created < to.Unix() {
			out[b.Service] += b.Amount
		}
	}
	return out
}

func total(byService map[string]Fen) Fen {
	var sum Fen
	for _, f := range byService {
		sum += f
	}
	return sum
}

func partnerBills(c *Cloud, q *request) (answer, *apiError) {
	month := q.matching("billDate", monthPattern)
	if q.failed() != nil {
		return nil, q.failed()
	}
	from, err := time.ParseInLocation("2006-01", month, beijing())
	if err != nil {
		return nil, invalid("billDate", "its form is wrong")
	}
	by := c.spent(q.acct.Name, from, from.AddDate(0, 1, 0))
	row := func(fee Fen) answer {
		w := wholeYuan{fen: fee, exact: q.plan.Has(KindDecimalFees)}
		return answer{
			"billDate": month, "pin": pinOf(q.acct.Name), "loginName": q.acct.Name, "customerName": q.acct.Name, "billFee": w, "billFee2": w,
			"discountFee": 0, "eraseFee": 0, "actualFee": w, "payCouponFee": 0, "discount": 0, "payableFee": w, "freeCouponFee": 0,
			"balancePayFee": yuan(fee), "cashPayFee": 0,
		}
	}
	products := []answer{}
	for _, service := range sortedKeys(by) {
		r := row(by[service])
		r["appCode"], r["appCodeName"], r["serviceCode"], r["serviceCodeName"] = appCode, appCode, service, service
		products = append(products, r)
	}
	return answer{"pinBills": []answer{row(total(by))}, "productBills": products}, nil
}

// stretch reads startTime and endTime; the end counts whole.
func (q *request) stretch(layout string, whole time.Duration) (from, to time.Time) {
	read := func(name string) time.Time {
		text := q.need(name)
		at, err := time.ParseInLocation(layout, text, beijing())
		if err != nil && text != "" {
			q.fail(invalid(name, "its form is not "+layout))
		}
		return at
	}
	from, to = read("startTime"), read("endTime").Add(whole)
	if to.Before(from) {
		q.fail(invalid("endTime", "it is before startTime"))
	}
	return from, to
}

func (q *request) summaryBill(fee Fen) answer {
	w := wholeYuan{fen: fee, exact: q.plan.Has(KindDecimalFees)}
	return answer{
		"balancePayFee": w, "discountFee": 0, "realTotalFee": w, "arrearFee": 0, "totalFee": w, "cashPayFee": 0, "cashCouponFee": 0,
		"pin": pinOf(q.acct.Name),
	}
}

func eachConsumption(c *Cloud, q *request) (answer, *apiError) {
	from, to := q.stretch("2006/01/02", 24*time.Hour)
	p := q.pages()
	if q.failed() != nil {
		return nil, q.failed()
	}
	rows := []answer{q.summaryBill(total(c.spent(q.acct.Name, from, to)))}
	return answer{"pagination": pagination(p, len(rows)), "result": rowsOf(pageOf(rows, p, false), func(a answer) answer { return a })}, nil
}

func totalConsumption(c *Cloud, q *request) (answer, *apiError) {
	from, to := q.stretch("2006/01/02", 24*time.Hour)
	if q.failed() != nil {
		return nil, q.failed()
	}
	return answer{"result": []answer{q.summaryBill(total(c.spent(q.acct.Name, from, to)))}}, nil
}

func billByProduct(c *Cloud, q *request) (answer, *apiError) {
	from, to := q.stretch("2006-01-02", 24*time.Hour)
	p := q.pages()
	if q.failed() != nil {
		return nil, q.failed()
	}
	by := c.spent(q.acct.Name, from, to)
	items := []answer{}
	for _, service := range sortedKeys(by) {
		items = append(items, answer{"serviceCode": service, "serviceCodeName": service, "totalFee": wholeYuan{fen: by[service], exact: q.plan.Has(KindDecimalFees)}})
	}
	rows := []answer{{"pin": pinOf(q.acct.Name), "billSummaryServiceCodeItemVoList": items}}
	return answer{"pagination": pagination(p, len(rows)), "result": rowsOf(pageOf(rows, p, false), func(a answer) answer { return a })}, nil
}

func (c *Cloud) customerAt(partner, mobile string) *customer {
	return c.customers.get(partner + "/" + mobile)
}

func checkMobile(c *Cloud, q *request) (answer, *apiError) {
	mobile := q.matching("mobile", mobilePattern)
	if q.failed() != nil {
		return nil, q.failed()
	}
	return answer{"exists": c.customerAt(q.acct.Name, mobile) != nil}, nil
}

func sendVerifyCode(c *Cloud, q *request) (answer, *apiError) {
	mobile := q.matching("mobile", mobilePattern)
	if q.failed() != nil {
		return nil, q.failed()
	}
	if old := c.codes[mobile]; old != nil && q.now.Sub(old.sent) < codePause {
		return nil, refuse(http.StatusTooManyRequests, statusRate, "a code was sent a moment ago")
	}
	c.keepCode(mobile, digits(newRequestID())[:6], q.now)
	return nil, nil
}

// keepCode notes a texted code; it is never logged or written to the state file.
func (c *Cloud) keepCode(mobile, code string, now time.Time) {
	if len(c.codes) >= maxCodes {
		for k, v := range c.codes {
			if now.After(v.until) {
				delete(c.codes, k)
			}
		}
	}
	if len(c.codes) < maxCodes {
		c.codes[mobile] = &verifyCode{code: code, sent: now, until: now.Add(codeLife)}
	}
}

func createCustomer(c *Cloud, q *request) (answer, *apiError) {
	mobile, code, login := q.matching("mobile", mobilePattern), q.need("verificationCode"), q.need("loginName")
	userID := q.limited("outUserId", 64)
	if q.failed() != nil {
		return nil, q.failed()
	}
	if err := c.redeem(mobile, code, q.now); err != nil {
		return nil, err
	}
	if c.customerAt(q.acct.Name, mobile) != nil {
		return nil, exists("customer", "of this mobile")
	}
	if slices.ContainsFunc(c.customersOf(q.acct.Name), func(u *customer) bool { return u.Login == login }) {
		return nil, exists("customer", login)
	}
	u := &customer{
		Partner: q.acct.Name, Pin: fmt.Sprintf("pin-c%07d", c.nextSeq()), Login: login, Mobile: mobile, UserID: userID, Created: q.now.Unix(),
	}
	c.customers.put(q.acct.Name+"/"+mobile, u)
	return answer{"pin": u.Pin, "accountId": digits("customer " + u.Pin), "loginName": u.Login}, nil
}

// redeem uses up a texted code.
func (c *Cloud) redeem(mobile, code string, now time.Time) *apiError {
	v := c.codes[mobile]
	if v == nil || now.After(v.until) || v.tries >= codeTries {
		return precondition("there is no code that is good for this mobile")
	}
	v.tries++
	if !sameText(v.code, code) {
		return invalid("verificationCode", "it is wrong")
	}
	delete(c.codes, mobile)
	return nil
}

// textedCode is the admin call that reads the code texted to one mobile.
func (c *Cloud) textedCode(q url.Values) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.codes[q.Get("mobile")]
	if v == nil {
		return nil, errors.New("mobile: no code was sent to it")
	}
	return map[string]string{"code": v.code}, nil
}
