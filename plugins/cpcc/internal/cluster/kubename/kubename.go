// Package kubename makes the names and label values under which a compute
// centre's things stand in Kubernetes. Names are always valid and differ for
// different ids: they hold a hash of the exact id, because ids may begin with a
// dash or a digit, hold underscores and differ by case alone. It calls nothing.
package kubename

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// The prefixes begin with a letter, as names of services must.
const (
	namespacePrefix = "cpcc-"
	workloadPrefix  = "w"
)

// hashLetters carry 130 bits; with a prefix and a controller's endings a name
// stays under the 52 letters that StatefulSets and CronJobs may have.
const hashLetters = 26

// mostLabel is the longest label value.
const mostLabel = 63

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hash is that of the parts with their lengths, so that moving a letter from
// one part to the next changes it.
func hash(parts ...string) string {
	sum := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		sum.Write(n[:])
		sum.Write([]byte(p))
	}
	return letters.EncodeToString(sum.Sum(nil))[:hashLetters]
}

// Namespace names the namespace of an org in a cluster.
func Namespace(cluster, org string) string { return namespacePrefix + hash("namespace", cluster, org) }

// Workload names a workload and, with endings, all that belongs to it.
func Workload(id string) string { return workloadPrefix + hash("workload", id) }

// Label makes a label value of any text. A text that is a label value already
// stays as it is; any other gets its strange letters replaced and an ending
// that tells it from its likes. The empty text stays empty.
func Label(text string) string {
	if text == "" || isLabel(text) {
		return text
	}
	clean := strings.Map(func(r rune) rune {
		if r < 128 && isLabelByte(byte(r)) {
			return r
		}
		return '-'
	}, text)
	clean = strings.Trim(clean, "-_.")
	ending := hash("label", text)[:8]
	if most := mostLabel - len(ending) - 1; len(clean) > most {
		clean = clean[:most]
	}
	if clean = strings.TrimRight(clean, "-_."); clean == "" {
		return ending
	}
	return clean + "-" + ending
}

func isLabelByte(b byte) bool {
	return isAlphanumeric(b) || b == '-' || b == '_' || b == '.'
}

func isAlphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

func isLabel(text string) bool {
	for i := range len(text) {
		if !isLabelByte(text[i]) {
			return false
		}
	}
	return len(text) <= mostLabel && isAlphanumeric(text[0]) && isAlphanumeric(text[len(text)-1])
}
