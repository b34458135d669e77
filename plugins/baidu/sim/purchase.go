package sim

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
)

// tag is a key and a value on a resource.
type tag struct {
	Key   string `json:"tagKey"`
	Value string `json:"tagValue"`
}

// billing is how a create wants to pay.
type billing struct {
	PaymentTiming string `json:"paymentTiming"`
	BillingMethod string `json:"billingMethod"`
	Reservation   *struct {
		Length int    `json:"reservationLength"`
		Unit   string `json:"reservationTimeUnit"`
	} `json:"reservation"`
}

// term reads the payment and the months; a postpaid lease has none.
func (b billing) term() (payment string, n int, err *apiError) {
	switch {
	case b.PaymentTiming == "" || strings.EqualFold(b.PaymentTiming, postpaid):
		return postpaid, 0, nil
	case !strings.EqualFold(b.PaymentTiming, prepaid):
		return "", 0, badBody("billing.paymentTiming %q is not supported", b.PaymentTiming)
	case b.Reservation == nil:
		return "", 0, badBody("billing.reservation is required for Prepaid")
	}
	n, err = monthCount(b.Reservation.Length, b.Reservation.Unit)
	return prepaid, n, err
}

// monthCount is a term in months: 1 to 9, 12, 24 or 36, or 1 to 3 years.
func monthCount(n int, unit string) (int, *apiError) {
	switch {
	case (unit == "" || strings.EqualFold(unit, "month")) && (n >= 1 && n <= 9 || n == 12 || n == 24 || n == 36):
		return n, nil
	case strings.EqualFold(unit, "year") && n >= 1 && n <= 3:
		return 12 * n, nil
	}
	return 0, badBody("the reservation of %d %q is not offered", n, unit)
}

// createArgs is the body of both creates of instances.
type createArgs struct {
	ImageID    string   `json:"imageId"`
	Spec       string   `json:"spec"`
	CPU        int      `json:"cpuCount"`
	Memory     int      `json:"memoryCapacityInGB"`
	RootGB     int      `json:"rootDiskSizeInGb"`
	RootType   string   `json:"rootDiskStorageType"`
	Disks      []disk   `json:"createCdsList"`
	Mbps       int      `json:"networkCapacityInMbps"`
	EIPName    string   `json:"eipName"`
	Traffic    string   `json:"internetChargeType"`
	Count      int      `json:"purchaseCount"`
	Name       string   `json:"name"`
	Hostname   string   `json:"hostname"`
	Suffix     bool     `json:"autoSeqSuffix"`
	AdminPass  string   `json:"adminPass"`
	Billing    billing  `json:"billing"`
	Zone       string   `json:"zoneName"`
	Subnet     string   `json:"subnetId"`
	Group      string   `json:"securityGroupId"`
	Tags       []tag    `json:"tags"`
	KeyPair    string   `json:"keypairId"`
	RenewUnit  string   `json:"autoRenewTimeUnit"`
	RenewTime  int      `json:"autoRenewTime"`
	Protection int      `json:"deletionProtection"`
	Groups     []string `json:"securityGroupIds"`
}

// disk is one data disk of a create.
type disk struct {
	GB   int    `json:"cdsSizeInGB"`
	Type string `json:"storageType"`
}

// purchase is a checked create; orders keep it until they are paid.
type purchase struct {
	Spec, Zone, Image, Name, Hostname string
	Count, Months                     int
	Payment                           string
	RootGB                            int
	RootType                          string
	Disks                             []disk
	Mbps                              int
	Traffic                           bool
	EIPName                           string
	Suffix                            bool
	Subnet, VPC                       string
	Groups                            []string
	Tags                              []tag
	Secret                            string // salted digest of the password
	RenewMonths                       int
	Protected                         bool
	CPU, Memory                       int
	Month                             Fen // list price of one machine with its system disk
	Token                             string
}

// check turns the body into a purchase or says what is wrong.
func (c *Cloud) check(q *request, a createArgs) (*purchase, *apiError) {
	p := &purchase{
		Zone: a.Zone, Image: a.ImageID, Name: a.Name, Hostname: a.Hostname, Count: max(a.Count, 1), Mbps: a.Mbps,
		EIPName: a.EIPName, Traffic: strings.EqualFold(a.Traffic, "TRAFFIC_POSTPAID_BY_HOUR"), Suffix: a.Suffix,
		Tags: a.Tags, Disks: a.Disks, RootGB: a.RootGB, RootType: a.RootType, Protected: a.Protection == 1,
		Token: q.query["clientToken"], Spec: a.Spec, CPU: a.CPU, Memory: a.Memory,
	}
	steps := []func() *apiError{
		func() *apiError { return p.checkMachine(q.region) },
		func() *apiError { return p.checkDisks() },
		func() *apiError { return p.checkNames() },
		func() (err *apiError) { p.Payment, p.Months, err = a.Billing.term(); return err },
		func() (err *apiError) { p.Secret, err = q.password(a.AdminPass, true); return err },
		func() *apiError { return c.checkPlace(q, p, a) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if a.RenewTime > 0 && p.Payment == prepaid {
		n, err := monthCount(a.RenewTime, a.RenewUnit)
		if err != nil {
			return nil, err
		}
		p.RenewMonths = n
	}
	return p, nil
}

func (p *purchase) checkMachine(region *Region) *apiError {
	if p.Zone == "" {
		p.Zone = region.Zones[0]
	}
	if !slices.Contains(region.Zones, p.Zone) {
		return badBody("zoneName %q does not exist in the region", p.Zone)
	}
	if p.Spec == "" {
		for _, f := range flavors(p.Zone) {
			if f.cpu == p.CPU && f.memory == p.Memory {
				p.Spec = f.spec
				break
			}
		}
	}
	f := flavorOf(p.Zone, p.Spec)
	if f == nil {
		return badBody("the specification %q is not sold in %s", p.Spec, p.Zone)
	}
	p.CPU, p.Memory, p.Month = f.cpu, f.memory, f.month
	if p.Count > 100 {
		return badBody("purchaseCount is at most 100")
	}
	m := imageOf(p.Image)
	if m == nil {
		return badBody("imageId %q does not exist", p.Image)
	}
	p.RootGB = max(p.RootGB, 0)
	if p.RootGB == 0 {
		p.RootGB = m.minDisk
	}
	if p.RootGB < m.minDisk || p.RootGB > 500 {
		return badBody("rootDiskSizeInGb is not between %d and 500", m.minDisk)
	}
	return nil
}

func (p *purchase) checkDisks() *apiError {
	prices := diskPrices()
	if p.RootType == "" {
		p.RootType = "enhanced_ssd_pl1"
	}
	unit, ok := prices[p.RootType]
	if !ok {
		return badBody("rootDiskStorageType %q is not offered", p.RootType)
	}
	p.Month += unit * Fen(p.RootGB)
	if len(p.Disks) > 15 {
		return badBody("createCdsList holds at most 15 disks")
	}
	for i, d := range p.Disks {
		if d.Type == "" {
			p.Disks[i].Type = "enhanced_ssd_pl1"
			d.Type = p.Disks[i].Type
		}
		if err := checkDisk(d); err != nil {
			return err
		}
	}
	return nil
}

func checkDisk(d disk) *apiError {
	if _, ok := diskPrices()[d.Type]; !ok {
		return badBody("storageType %q is not offered", d.Type)
	}
	if d.GB < 5 || d.GB > 32765 {
		return badBody("cdsSizeInGB is not between 5 and 32765")
	}
	return nil
}

func (p *purchase) checkNames() *apiError {
	if p.Name != "" && !goodName(p.Name) {
		return badBody("name is not 1 to 65 letters, digits, '-', '_', '/' or '.' that begin with a letter")
	}
	return checkTags(p.Tags)
}

// goodName begins with a letter (Chinese counts) and has 1 to 65 characters.
func goodName(s string) bool {
	n := 0
	for i, r := range s {
		letter := unicode.Is(unicode.Han, r) || r < 128 && unicode.IsLetter(r)
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-_/.", r)) {
			return false
		}
		n++
	}
	return n >= 1 && n <= 65
}

func checkTags(tags []tag) *apiError {
	if len(tags) > 50 {
		return badBody("tags holds at most 50 tags")
	}
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 128 {
			return badBody("a tag has no key or is longer than 128 bytes")
		}
	}
	return nil
}

// password decrypts and checks a password, and returns a salted digest of it.
// It is AES-128-ECB under the first 16 bytes of the caller's secret, in hex.
func (q *request) password(cipher string, optional bool) (string, *apiError) {
	if cipher == "" && optional {
		return "", nil
	}
	plain, ok := decrypt(q.cred.secret, cipher)
	if !ok || !goodPassword(plain) {
		return "", badBody("adminPass is not the encrypted form of 8 to 16 letters, digits and symbols")
	}
	var salt [8]byte
	_, _ = rand.Read(salt[:])
	return digest(hex.EncodeToString(salt[:]), plain), nil
}

func digest(salt, plain string) string {
	sum := sha256.Sum256([]byte(salt + plain))
	return salt + hex.EncodeToString(sum[:])
}

func decrypt(secret, cipher string) (string, bool) {
	b, err := hex.DecodeString(cipher)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 || len(b) > 256 {
		return "", false
	}
	block, err := aes.NewCipher([]byte(secret[:aes.BlockSize]))
	if err != nil {
		return "", false
	}
	for i := 0; i < len(b); i += aes.BlockSize {
		block.Decrypt(b[i:], b[i:])
	}
	pad := int(b[len(b)-1])
	if pad < 1 || pad > aes.BlockSize {
		return "", false
	}
	for _, v := range b[len(b)-pad:] {
		if int(v) != pad {
			return "", false
		}
	}
	return string(b[:len(b)-pad]), true
}

// goodPassword has 8 to 16 characters, with letters, digits and symbols.
func goodPassword(s string) bool {
	var letter, digit, symbol bool
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digit = true
		case r < 128 && unicode.IsLetter(r):
			letter = true
		case strings.ContainsRune("!@#$%^*()-_", r):
			symbol = true
		default:
			return false
		}
	}
	return letter && digit && symbol && len(s) >= 8 && len(s) <= 16
}

// cost is what the purchase costs the account now and its list price: prepaid
// months, or the first hour, which must be covered though it is billed later.
func (p *purchase) cost(percent int64) (price, list Fen) {
	add := func(month Fen) {
		l := newLease(p.Payment, month, percent, time.Time{})
		if p.Payment == prepaid {
			price += months(l.Unit, p.Months)
			list += months(l.List, p.Months)
			return
		}
		price += l.Unit
		list += l.List
	}
	add(p.Month)
	for _, d := range p.Disks {
		add(diskPrices()[d.Type] * Fen(d.GB))
	}
	if p.Mbps > 0 {
		add(addressMonth(p.Mbps, p.Traffic))
	}
	return price * Fen(p.Count), list * Fen(p.Count)
}

// services is the order's service type: combined forms name all parts.
func (p *purchase) services() string {
	s := "BCC"
	if len(p.Disks) > 0 {
		s += "__CDS"
	}
	if p.Mbps > 0 {
		s += "__EIP"
	}
	return s
}
