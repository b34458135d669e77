package sim

import (
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // fingerprints of keys are MD5 by convention
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"slices"
	"strings"
)

var keyNamePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{2,32}$`)

// keypair is the public side of a login key.
type keypair struct {
	place
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Created     int64  `json:"created"`
}

// keypairActions are the calls of the vm service about key pairs.
func keypairActions() []action {
	const all = "/v1/regions/{regionId}/keypairs"
	vm := func(name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: "vm", method: method, path: path, run: run}
	}
	return []action{
		vm("DescribeKeypairs", "GET", all, describeKeypairs),
		vm("CreateKeypair", "POST", all, createKeypair),
		vm("ImportKeypair", "POST", all+":import", importKeypair),
		vm("DeleteKeypair", "DELETE", all+"/{keyName}", deleteKeypair),
		vm("AttachKeypair", "POST", all+"/{keyName}:attach", attachKeypair),
		vm("DetachKeypair", "POST", all+"/{keyName}:detach", detachKeypair),
	}
}

func (q *request) keypairKey(name string) string { return q.acct.Name + "/" + q.region + "/" + name }

func (c *Cloud) keypairOf(q *request, name string) *keypair {
	return c.keypairs.get(q.keypairKey(name))
}

func (c *Cloud) keepKeypair(q *request, name string, public []byte) *keypair {
	sum := md5.Sum(public) //nolint:gosec // see above
	var parts []string
	for _, b := range sum {
		parts = append(parts, hex.EncodeToString([]byte{b}))
	}
	k := &keypair{place: q.here(), Name: name, Fingerprint: strings.Join(parts, ":"), Created: q.now.Unix()}
	c.keypairs.put(q.keypairKey(name), k)
	return k
}

// newKeyName reads the name of a key pair that does not exist yet.
func (c *Cloud) newKeyName(q *request) string {
	name := q.matching("keyName", keyNamePattern)
	q.subject = name
	if c.keypairOf(q, name) != nil {
		q.fail(exists("keypair", name))
	}
	return name
}

func createKeypair(c *Cloud, q *request) (answer, *apiError) {
	name := c.newKeyName(q)
	if q.failed() != nil {
		return nil, q.failed()
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, refuse(500, statusInternal, "no key can be made")
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, refuse(500, statusInternal, "no key can be made")
	}
	k := c.keepKeypair(q, name, public)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return answer{"keyName": name, "privateKey": string(text), "keyFingerprint": k.Fingerprint}, nil
}

func importKeypair(c *Cloud, q *request) (answer, *apiError) {
	name := c.newKeyName(q)
	fields := strings.Fields(q.need("publicKey"))
	if q.failed() != nil {
		return nil, q.failed()
	}
	if len(fields) < 2 {
		return nil, invalid("publicKey", "it is not a public key")
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return nil, invalid("publicKey", "it is not a public key")
	}
	return answer{"keyName": name, "keyFingerprint": c.keepKeypair(q, name, blob).Fingerprint}, nil
}

func describeKeypairs(c *Cloud, q *request) (answer, *apiError) {
	p, conds := q.page(), q.filters("keyNames")
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.keypairs.where(func(k *keypair) bool {
		return k.in(q) && passAll(conds, pick(map[string]string{"keyNames": k.Name}, nil))
	})
	rows := rowsOf(pageOf(found, p, false), func(k *keypair) answer {
		ids := []string{}
		for _, h := range c.instancesIn(q) {
			if slices.Contains(h.KeyNames, k.Name) {
				ids = append(ids, h.ID)
			}
		}
		return answer{"keyName": k.Name, "keyFingerprint": k.Fingerprint, "createTime": iso(k.Created), "instanceIds": ids}
	})
	return answer{"keypairs": rows, "totalCount": len(found)}, nil
}

func deleteKeypair(c *Cloud, q *request) (answer, *apiError) {
	name := q.need("keyName")
	q.subject = name
	if c.keypairOf(q, name) == nil {
		return nil, notFound("keypair", name)
	}
	c.keypairs.drop(q.keypairKey(name))
	for _, h := range c.instancesIn(q) {
		if slices.Contains(h.KeyNames, name) {
			h.KeyNames = nil
			c.instances.put(h.ID, h)
		}
	}
	return nil, nil
}

func attachKeypair(c *Cloud, q *request) (answer, *apiError) {
	q.oneOf("passWordAuth", q.need("passWordAuth"), "yes", "no")
	return c.eachKeypair(q, func(h *instance, name string) bool {
		h.KeyNames = []string{name}
		return true
	})
}

func detachKeypair(c *Cloud, q *request) (answer, *apiError) {
	return c.eachKeypair(q, func(h *instance, name string) bool {
		had := slices.Contains(h.KeyNames, name)
		h.KeyNames = slices.DeleteFunc(h.KeyNames, func(k string) bool { return k == name })
		return had
	})
}

// eachKeypair changes stopped instances one by one and tells which succeeded.
func (c *Cloud) eachKeypair(q *request, change func(*instance, string) bool) (answer, *apiError) {
	name, ids := q.need("keyName"), q.list("instanceIds")
	q.subject = name
	if len(ids) == 0 {
		q.fail(missing("instanceIds"))
	}
	if c.keypairOf(q, name) == nil {
		q.fail(notFound("keypair", name))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	done, failed := []string{}, []string{}
	for _, id := range ids {
		h := c.instances.get(id)
		if h == nil || !h.in(q) || h.working(q.now) || h.State != stateStopped || !change(h, name) {
			failed = append(failed, id)
			continue
		}
		c.instances.put(id, h)
		done = append(done, id)
	}
	return answer{"successInstanceId": done, "failInstanceId": failed}, nil
}
