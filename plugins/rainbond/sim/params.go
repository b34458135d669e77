package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Words of the console's validation.
const (
	msgRequired = "该字段是必填项。"
	msgNull     = "该字段不能为 null。"
	msgBlank    = "该字段不能为空。"
)

// fields is the body of a call with the first mistake found in it. It lives
// for one call.
type fields struct {
	values map[string]json.RawMessage
	err    *apiError
}

// form reads the body as a JSON object.
func (q *call) form() *fields {
	f := &fields{}
	if len(bytes.TrimSpace(q.body)) == 0 {
		return f
	}
	if err := json.Unmarshal(q.body, &f.values); err != nil {
		f.err = exception(http.StatusBadRequest, "JSON parse error", "ParseError")
	}
	return f
}

func (f *fields) fail(field, reason string) {
	if f.err == nil {
		f.err = invalid(field, reason)
	}
}

// has tells whether a field is there and not null.
func (f *fields) has(name string) bool {
	raw, ok := f.values[name]
	return ok && string(raw) != "null"
}

// need is a string of 1 to most characters that must be there.
func (f *fields) need(name string, most int) string {
	if _, ok := f.values[name]; !ok {
		f.fail(name, msgRequired)
		return ""
	}
	if !f.has(name) {
		f.fail(name, msgNull)
		return ""
	}
	s := f.text(name, most)
	if s == "" {
		f.fail(name, msgBlank)
	}
	return s
}

// nullable is a string that must be there and may be null.
func (f *fields) nullable(name string, most int) string {
	if _, ok := f.values[name]; !ok {
		f.fail(name, msgRequired)
	}
	return f.text(name, most)
}

// text is a string of at most that many characters, or empty.
func (f *fields) text(name string, most int) string {
	var s string
	if !f.into(name, &s) {
		return ""
	}
	if utf8.RuneCountInString(s) > most {
		f.fail(name, fmt.Sprintf("请确保这个字段不能超过 %d 个字符。", most))
		return ""
	}
	return s
}

// number is an integer from least to most; def when it is not there.
func (f *fields) number(name string, least, most, def int) int {
	n := def
	if !f.into(name, &n) {
		return def
	}
	if n < least || n > most {
		f.fail(name, fmt.Sprintf("请确保该值在 %d 与 %d 之间。", least, most))
		return def
	}
	return n
}

// flag is a boolean, false when it is not there.
func (f *fields) flag(name string) bool {
	var b bool
	f.into(name, &b)
	return b
}

// into decodes a field that is there; false when it is not or is of another type.
func (f *fields) into(name string, to any) bool {
	if !f.has(name) {
		return false
	}
	if err := json.Unmarshal(f.values[name], to); err != nil {
		f.fail(name, "请填写合法的值。")
		return false
	}
	return true
}

// maxPage bounds one page of a list.
const maxPage = 1000

// cut takes one page of a list as page and page_size of the query say; the store writes
// the second in another way and takes -1 for everything.
func cut[T any](q *call, list []T, sizeName string) (rows []T, page, size int, err *apiError) {
	page, size = 1, 10
	for name, to := range map[string]*int{"page": &page, sizeName: &size} {
		v := q.query.Get(name)
		if v == "" {
			continue
		}
		n, perr := strconv.Atoi(v)
		if perr != nil || (n < 1 && n != -1) || n > maxPage*maxPage {
			return nil, 0, 0, invalid(name, "请填写合法的整数值。")
		}
		*to = n
	}
	if q.op.store && (page == -1 || size == -1) {
		return list[:min(len(list), maxPage)], page, size, nil
	}
	if page < 1 || size < 1 || size > maxPage {
		return nil, 0, 0, invalid(sizeName, "请填写合法的整数值。")
	}
	from := min((page-1)*size, len(list))
	return list[from:min(from+size, len(list))], page, size, nil
}

// envelope is the success of the console's newer calls.
func envelope(bean, list any) map[string]any {
	if bean == nil {
		bean = map[string]any{}
	}
	if list == nil {
		list = []any{}
	}
	return map[string]any{"code": codeOK, "msg": "success", "msg_show": "操作成功", "data": map[string]any{"bean": bean, "list": list}}
}
