package main

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"

	"github.com/baidubce/bce-sdk-go/model"

	"tradewind.example/sdk/fault"
)

// A purchase token is written on what it buys as a tag, by which it is found
// again, and goes with the request as the cloud's client token, which the cloud
// remembers for 24 hours: the same request again gets the same answer.

// tagKey is the tag that carries the purchase token.
const tagKey = "tradewind"

var tagValue = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// tagOf is a purchase token as a tag's value. Another token never gets the same
// one: what does not fit the alphabet is replaced by its hash.
func tagOf(token string) (string, error) {
	if token == "" {
		return "", fault.Invalid("token", "is required")
	}
	if tagValue.MatchString(token) {
		return token, nil
	}
	sum := sha256.Sum256([]byte(token))
	return "tw-" + hex.EncodeToString(sum[:20]), nil
}

// tags are what a purchase writes on what it buys.
func tags(tag string) []model.TagModel {
	return []model.TagModel{{TagKey: tagKey, TagValue: tag}}
}

// tokenIn is the purchase token among tags.
func tokenIn(all []model.TagModel) string {
	for _, t := range all {
		if t.TagKey == tagKey {
			return t.TagValue
		}
	}
	return ""
}

// clientToken is what makes the cloud do a request once: what is asked for and
// the purchase token, so that one token may stand for requests of several sorts.
func clientToken(token string, what ...string) string {
	h := sha256.New()
	for _, part := range append(what, token) {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return "tw-" + hex.EncodeToString(h.Sum(nil)[:24])
}
