package main

import (
	"slices"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// quirk is what an action needs that neither the SDK nor the rest of the plugin
// knows of.
type quirk struct {
	// alsoDone are codes besides 0 that are a success.
	alsoDone []string
	// ownConnection is for a change that the SDK sends as a GET: on a connection
	// that was used before, it may be sent twice.
	ownConnection bool
	// pageSizes are the only sizes of a page; none: up to pageSize.
	pageSizes []int
}

// adapter is the one table of where the manual contradicts itself or the SDK,
// and what is held to here. Names of parameters are the SDK's.
type adapter struct {
	actions      map[string]quirk
	environments []environmentWords
	userTypes    map[string]string // as answered, to how it is asked for
	layouts      []string          // of times
	collations   map[string]string // as the manual also spells them
}

// environmentWords is how the two sorts of environment are written.
type environmentWords struct {
	name    string   // here
	number  int64    // when an environment is made
	config  string   // of deploy configurations and orders
	cluster string   // when a cluster is made or searched
	told    []string // in answers, in small letters: names, then numbers
}

const (
	envTest = "test"
	envProd = "prod"
)

func table() adapter {
	return adapter{
		actions: map[string]quirk{
			"ListUsers":       {alsoDone: []string{"200"}},
			"DeleteAppDetail": {ownConnection: true},
			"GetRdsBackUp":    {pageSizes: []int{30, 50, 100}},
		},
		environments: []environmentWords{
			{envTest, 0, "test", "TEST", []string{"test", "测试", "测试环境", "daily", "0"}},
			{envProd, 1, "online", "PRO", []string{"online", "pro", "prod", "production", "生产", "生产环境", "线上", "正式", "1"}},
		},
		userTypes:  map[string]string{"DINGDING_TALK": "DING_TALK"},
		layouts:    []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04Z", "2006-01-02T15:04"},
		collations: map[string]string{"SQL_Latin1_General_CS_AS": "SQL_Latin1_General_CP1_CS_AS"},
	}
}

// rule is the quirk of an action.
func rule(action string) quirk { return table().actions[action] }

// environmentNamed finds the words for one of ours.
func environmentNamed(name, path string) (environmentWords, error) {
	for _, w := range table().environments {
		if w.name == name {
			return w, nil
		}
	}
	return environmentWords{}, fault.Invalid(path, "must be %s or %s", envTest, envProd)
}

// environmentTold reads the sort of an environment from what answers call it:
// names go before numbers, which the manual counts in two ways. "" is unknown.
func environmentTold(words ...string) string {
	for _, word := range words {
		word = strings.ToLower(strings.TrimSpace(word))
		for _, w := range table().environments {
			if slices.Contains(w.told, word) {
				return w.name
			}
		}
	}
	return ""
}

// userType is how a type of user is asked for.
func userType(told string) string { return firstText(table().userTypes[told], told) }

// moment reads a time in any of the cloud's ways. Which zone one without a zone
// is in, is not documented: the account says it.
func (c Config) moment(text string) time.Time {
	for _, layout := range table().layouts {
		zone := c.zone()
		if strings.HasSuffix(layout, "Z") {
			zone = time.UTC
		}
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (c Config) zone() *time.Location { return time.FixedZone("", c.ZoneHours*60*60) }

// stamp writes a time for a filter of deploy orders.
func (c Config) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(c.zone()).Format(time.DateTime)
}

// clusterStatus is a cluster's state in shared words. Only "running" is
// documented; a word that is not known is on its way.
func clusterStatus(word string) provider.Status {
	switch strings.ToLower(word) {
	case "running":
		return provider.StatusRunning
	case "failed", "error", "create_failed", "delete_failed":
		return provider.StatusError
	case "deleting":
		return provider.StatusStopping
	case "deleted":
		return provider.StatusDeleted
	case "stopped":
		return provider.StatusStopped
	}
	return provider.StatusPending
}

// volumeStatus is the state of volumes and claims in shared words.
func volumeStatus(word string) provider.Status {
	switch word {
	case "Bound":
		return provider.StatusBound
	case "Available", "Released":
		return provider.StatusFree
	case "Pending", "":
		return provider.StatusPending
	case "Failed", "Lost":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

// databaseStatus is the state of a database in shared words.
func databaseStatus(word string) provider.Status {
	switch word {
	case "Running":
		return provider.StatusRunning
	case "Creating":
		return provider.StatusPending
	case "Deleting":
		return provider.StatusStopping
	}
	return provider.StatusUnknown
}

// instanceStatus is the state of an application's instance in shared words.
func instanceStatus(word, health string) provider.Status {
	switch strings.ToUpper(firstText(word, health)) {
	case "RUNNING":
		return provider.StatusRunning
	case "PENDING", "CREATING", "STARTING":
		return provider.StatusStarting
	case "TERMINATING", "STOPPING":
		return provider.StatusStopping
	case "STOPPED", "SUCCEEDED":
		return provider.StatusStopped
	case "FAILED", "ERROR", "CRASHLOOPBACKOFF":
		return provider.StatusError
	}
	return provider.StatusUnknown
}

// The numbers of a deploy order's state and result; pods have the same.
const (
	orderRunning  = "1"
	orderPaused   = "2"
	orderFinished = "3"

	resultSuccess = "1"
	resultByHand  = "4"
)

// orderStatus is the state of an order or pod in shared words.
func orderStatus(status, result string) provider.Status {
	switch {
	case status == orderRunning:
		return provider.StatusRunning
	case status == orderPaused:
		return provider.StatusFrozen
	case status != orderFinished:
		return provider.StatusUnknown
	case result == resultSuccess:
		return provider.StatusStopped
	}
	return provider.StatusError
}

// whyNotAdmitted reads the codes with which a deploy is not let in.
func whyNotAdmitted(code string) error {
	why := map[string]string{
		"102000": "there is no release permit: apply for one at the cloud", "102001": "the release permit is under review: try again when it is granted",
	}[code]
	return fault.Precondition("the cloud does not admit the change: %s", firstText(why, "business code "+firstText(code, "none"))).Cloud(code, "")
}
