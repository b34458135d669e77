package schema

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// uncheckedFormats are formats of the draft that are not offered.
var uncheckedFormats = []string{
	"duration", "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "json-pointer", "relative-json-pointer",
}

// formatted reports whether a text has a format. A word that is no format of
// the draft is a note, for forms for example.
func formatted(format, text string) bool {
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		return err == nil
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case "time":
		_, err := time.Parse(time.RFC3339, "2000-01-01T"+strings.ToUpper(text))
		return err == nil
	case "email":
		a, err := mail.ParseAddress(text)
		return err == nil && a.Address == text
	case "hostname":
		return isHostname(text)
	case "ipv4", "ipv6":
		a, err := netip.ParseAddr(text)
		return err == nil && a.Zone() == "" && a.Is4() == (format == "ipv4")
	case "uri", "uri-reference":
		u, err := url.Parse(text)
		return err == nil && (u.IsAbs() || format == "uri-reference")
	case "uuid":
		return isUUID(text)
	case "regex":
		_, err := regexp.Compile(text)
		return err == nil
	}
	return true
}

func isHostname(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	return true
}

// isUUID wants the form of RFC 9562: five groups of hex digits.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
