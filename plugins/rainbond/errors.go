package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/fault"
)

// throttlePause is how long to wait when the console throttles; it does not say.
const throttlePause = 2 * time.Second

// The codes that the plugin acts upon.
const (
	codeUnhandled = 10401 // whatever the console did not expect, with a traceback
	codeInvalid   = 20400
)

// verdict is what a code of the console means.
type verdict struct {
	class   fault.Class
	message string // said in place of the console's words; "" keeps them
}

// verdicts is the one place where the console's own codes get their class. The
// rest is told by the HTTP status and the words, see [judge].
func verdicts() map[int]verdict {
	return map[int]verdict{
		10400: {fault.ClassPrecondition, "the console has no licence: renew it there"},
		10405: {fault.ClassUnauthenticated, "the access key has expired: make another one in the console"},
		10402: {fault.ClassForbidden, "the key's user lacks the permission for this in the team"},
		10406: {fault.ClassOutOfStock, "the cluster has not enough resources left"},
		10413: {fault.ClassOutOfStock, "the cluster has not enough resources left"},
		10410: {fault.ClassInsufficientBalance, "the account at the console is overdue"},
		10407: {fault.ClassPrecondition, "the store does not allow this with the key that the console has for it"},
		10421: {fault.ClassPrecondition, "the console has no key for the store: give it one there, or as market_access_key before its first install"},
		2000:  {fault.ClassInvalid, "the team does not exist: correct the account's setting team"},
		2001:  {fault.ClassPrecondition, "the team is not open in this region: open it in the console"},
		3000:  {fault.ClassInvalid, "the console has no region of this name"},
		4000:  {fault.ClassNotFound, ""},
		21003: {fault.ClassConflict, ""},

		codeInvalid:   {fault.ClassInvalid, ""},
		codeUnhandled: {fault.ClassUnavailable, "the console failed at this in a way that it did not expect"},
	}
}

// phrase is a piece of what the console says, where it has no code of its own.
type phrase struct {
	part  string
	class fault.Class
}

// phrases tell apart what comes with the same status; the first one that is
// said decides.
func phrases() []phrase {
	return []phrase{
		{"团队不存在", fault.ClassInvalid}, // must not read as if a resource were gone
		{"install app failure", fault.ClassUnavailable},
		{"安装应用发生异常", fault.ClassUnavailable},
		{"已存在", fault.ClassConflict},
		{"没有开启对外端口", fault.ClassPrecondition},
		{"请先关闭", fault.ClassPrecondition},
		{"正在运行", fault.ClassPrecondition},
		{"处于运行", fault.ClassPrecondition},
		{"请关闭", fault.ClassPrecondition},
		{"请先删除", fault.ClassPrecondition},
		{"频繁", fault.ClassThrottled},
		{"too frequent", fault.ClassThrottled},
		{"不存在", fault.ClassNotFound},
	}
}

// statuses is what a status means when neither code nor words tell.
func statuses(status int) (fault.Class, bool) {
	class, ok := map[int]fault.Class{
		http.StatusBadRequest: fault.ClassInvalid, http.StatusUnauthorized: fault.ClassUnauthenticated, http.StatusForbidden: fault.ClassForbidden,
		http.StatusNotFound: fault.ClassNotFound, http.StatusMethodNotAllowed: fault.ClassUnsupported, http.StatusConflict: fault.ClassPrecondition,
		http.StatusPreconditionFailed: fault.ClassOutOfStock, http.StatusTooManyRequests: fault.ClassThrottled,
		http.StatusRequestEntityTooLarge: fault.ClassInvalid,
	}[status]
	return class, ok
}

// refusal is what the four forms of a refusal have in common. The traceback
// that two of them carry is not read.
type refusal struct {
	Code   *int            `json:"code"`
	Msg    string          `json:"msg"`
	Show   string          `json:"msg_show"`
	Detail string          `json:"detail"`
	Fields json.RawMessage `json:"err"`
}

// refusalOf reads a body; ok is false for what is no object.
func refusalOf(body []byte) (r refusal, ok bool) {
	body = bytes.TrimSpace(body)
	ok = len(body) > 0 && body[0] == '{' && json.Unmarshal(body, &r) == nil
	return r, ok
}

func (r refusal) code() int {
	if r.Code == nil {
		return 0
	}
	return *r.Code
}

// says is what the console says, for people first.
func (r refusal) says() string {
	for _, text := range []string{r.Show, r.Msg, r.Detail} {
		if text != "" {
			return text
		}
	}
	return ""
}

// classify makes the fault of an answer that is none of success. It is nil for
// what is not of the console's or the store's making.
func classify(resp *cloudhttp.Response, req *cloudhttp.Request) *fault.Error {
	r, ok := refusalOf(resp.Body)
	if !ok || r.Code == nil && r.says() == "" {
		return nil
	}
	if strings.Contains(req.URL, storeRoot+"/") {
		return ofStore(resp.Status, r)
	}
	return judge(resp.Status, r, req.Change)
}

// refusedInside is the fault of an answer with a status of success whose body
// is a refusal all the same; nil when it is none.
func refusedInside(body []byte, req *cloudhttp.Request) *fault.Error {
	r, ok := refusalOf(body)
	if !ok || r.code() < 400 {
		return nil
	}
	if strings.Contains(req.URL, storeRoot+"/") {
		return ofStore(r.code(), r)
	}
	status := r.code()
	if status > 599 {
		status = http.StatusBadRequest
	}
	return judge(status, r, req.Change)
}

// judge makes the fault of a refusal of the console. A code decides before the
// words, the words before the status: the console answers 401 and 403 for the
// store's sake too, and 404 for teams.
func judge(status int, r refusal, change bool) *fault.Error {
	v, known := verdicts()[r.code()]
	if !known {
		v.class, known = spoken(r)
	}
	if !known {
		v.class, known = statuses(status)
	}
	if !known || status >= 500 {
		v.class = fault.ClassUnavailable
	}
	code := r.code()
	if code == 0 {
		code = status
	}
	if v.message == "" {
		v.message = shown(status, r)
	}
	out := fault.New(v.class, "%s", v.message).Cloud(strconv.Itoa(code), "")
	if v.class == fault.ClassThrottled {
		out.RetryAfter = throttlePause
	}
	if change && status >= 500 {
		out.Outcome = fault.OutcomeUnknown
	}
	return out
}

func spoken(r refusal) (fault.Class, bool) {
	said := r.Show + "\n" + r.Msg + "\n" + r.Detail
	i := slices.IndexFunc(phrases(), func(p phrase) bool { return strings.Contains(said, p.part) })
	if i < 0 {
		return 0, false
	}
	return phrases()[i].class, true
}

// ofStore makes the fault of a refusal of the store, asked with the account's
// own key for it. It never says that the console's key is bad.
func ofStore(status int, r refusal) *fault.Error {
	code := strconv.Itoa(status)
	switch status {
	case http.StatusUnauthorized:
		return fault.Precondition("the store refuses its key: correct the account's market_access_key").Cloud(code, "")
	case http.StatusForbidden:
		return fault.Precondition("the store does not allow this with its key").Cloud(code, "")
	case http.StatusNotFound:
		return fault.New(fault.ClassNotFound, "the store has no such app model or version").Cloud(code, "")
	case http.StatusTooManyRequests:
		return fault.Throttled(throttlePause, "the store throttles: ask less often").Cloud(code, "")
	}
	if status >= 500 {
		return fault.Unavailable("the store cannot serve this now").Cloud(code, "")
	}
	return fault.New(fault.ClassInvalid, "%s", shown(status, r)).Cloud(code, "")
}

// shown is one line of the console's words. What it says of its own failures is
// a traceback, which is nobody's to see.
func shown(status int, r refusal) string {
	text := r.says()
	if r.code() == codeInvalid {
		text += " " + fieldsOf(r.Fields)
	}
	text = strings.Join(strings.Fields(text), " ")
	if text == "" || status >= 500 || strings.Contains(text, "Traceback") {
		return "the cloud refused the request with HTTP status " + strconv.Itoa(status)
	}
	if all := []rune(text); len(all) > 300 {
		text = string(all[:300])
	}
	return "the cloud says: " + text
}

// fieldsOf names the fields that the console finds wrong, in order.
func fieldsOf(raw json.RawMessage) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return ""
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return "(" + strings.Join(names, ", ") + ")"
}

// hasCode reports whether err is a refusal with one of the console's codes.
func hasCode(err error, codes ...int) bool {
	var e *fault.Error
	return errors.As(err, &e) && slices.ContainsFunc(codes, func(c int) bool { return strconv.Itoa(c) == e.CloudCode })
}

// goneIsDone makes a success of a delete that finds nothing.
func goneIsDone(err error) error {
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	return err
}
