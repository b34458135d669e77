package bodyjson

import "unicode/utf8"

// cursor is a place in a body.
type cursor struct {
	text []byte
	at   int
}

func (c *cursor) space() {
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return
		}
	}
}

// take passes one byte of punctuation and the space before it.
func (c *cursor) take(b byte) bool {
	c.space()
	if c.at == len(c.text) || c.text[c.at] != b {
		return false
	}
	c.at++
	return true
}

func (c *cursor) ended() bool {
	c.space()
	return c.at == len(c.text)
}

// string passes a string without escapes and returns what is between its quotes,
// which belongs to the body.
func (c *cursor) string() (s []byte, ok bool) {
	if !c.take('"') {
		return nil, false
	}
	begin, plain := c.at, true
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			s = c.text[begin:c.at]
			c.at++
			return s, plain || utf8.Valid(s)
		case b < ' ' || b == '\\':
			return nil, false
		case b >= utf8.RuneSelf:
			plain = false
		}
	}
	return nil, false
}

// whole passes an integer of at most 15 digits, which every decoder of numbers
// reads alike.
func (c *cursor) whole() (n int64, ok bool) {
	c.space()
	negative := c.at < len(c.text) && c.text[c.at] == '-'
	if negative {
		c.at++
	}
	begin := c.at
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		n = n*10 + int64(c.text[c.at]-'0')
		if c.at-begin >= 15 {
			return 0, false
		}
	}
	if c.at == begin || c.text[begin] == '0' && c.at-begin > 1 {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

func (c *cursor) word(w string) bool {
	c.space()
	if len(c.text)-c.at < len(w) || string(c.text[c.at:c.at+len(w)]) != w {
		return false
	}
	c.at += len(w)
	return true
}

// object passes what stands from one brace to the one that closes it, which may
// be no object all the same, and returns it.
func (c *cursor) object() (raw []byte, ok bool) {
	if !c.take('{') {
		return nil, false
	}
	begin, depth, quoted := c.at-1, 1, false
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case quoted && b == '\\':
			c.at++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{':
			depth++
		case b == '}':
			if depth--; depth == 0 {
				c.at++
				return c.text[begin:c.at], true
			}
		}
	}
	return nil, false
}
