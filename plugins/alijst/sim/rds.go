package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var dbNamePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}[a-z0-9]$`)

// rdsInstance exists beside the product and is there from the start.
type rdsInstance struct {
	id, engine string
	running    bool
	databases  []*database
	accounts   []*dbAccount
	backups    int
}

type database struct {
	name, set, description string
	due                    time.Time
	goes, settled          bool
}

// dbAccount is an account of an instance with a privilege by database.
type dbAccount struct {
	name       string
	privileges map[string]string
}

func newRDS(id, engine string, running bool) *rdsInstance {
	r := &rdsInstance{id: id, engine: engine, running: running, backups: 35}
	for _, name := range []string{"app", "report"} {
		r.accounts = append(r.accounts, &dbAccount{name: name, privileges: map[string]string{}})
	}
	return r
}

func (r *rdsInstance) settle(now time.Time) {
	for _, d := range slices.Clone(r.databases) {
		switch {
		case d.due.After(now):
		case d.goes:
			r.databases = slices.DeleteFunc(r.databases, func(x *database) bool { return x == d })
		default:
			d.settled = true
		}
	}
}

// instance returns a running RDS instance.
func (w *world) instance(q *call, id string) (*rdsInstance, *refusal) {
	q.subject = "rds " + id
	r, ok := find(w.rds, func(r *rdsInstance) bool { return r.id == id })
	if !ok {
		return nil, notFound("RDS instance", id)
	}
	if !r.running {
		return nil, conflict("the RDS instance is not running")
	}
	return r, nil
}

func createDb(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DbInstanceId"))
	if err != nil {
		return nil, err
	}
	name, note := q.str("DbName"), utf8.RuneCountInString(q.str("DbDescription"))
	latin := !strings.HasPrefix(q.str("CharacterSetName"), "Chinese") && !strings.HasPrefix(q.str("CharacterSetName"), "SQL")
	switch {
	case !dbNamePattern.MatchString(name):
		return nil, invalid("DbName")
	case q.has("DbDescription") && (note < 2 || note > 256):
		return nil, invalid("DbDescription")
	case latin == (r.engine == "SQLServer"):
		return nil, invalid("CharacterSetName")
	case slices.ContainsFunc(r.databases, func(d *database) bool { return d.name == name }):
		return nil, conflict("the instance has a database %q", name)
	}
	r.databases = append(r.databases, &database{
		name: name, set: q.str("CharacterSetName"), description: q.str("DbDescription"), due: w.now.Add(w.cloud.step()),
	})
	w.made(q, "database", r.id, name)
	return answer{}, nil
}

func (r *rdsInstance) database(name string) (*database, *refusal) {
	d, ok := find(r.databases, func(d *database) bool { return d.name == name })
	if !ok {
		return nil, notFound("database", name)
	}
	return d, nil
}

func deleteDatabase(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DBInstanceId"))
	if err != nil {
		return nil, err
	}
	d, err := r.database(q.str("DBName"))
	if err != nil {
		return nil, err
	}
	if !d.goes {
		d.goes, d.due = true, w.now.Add(w.cloud.step())
		for _, a := range r.accounts {
			delete(a.privileges, d.name)
		}
	}
	return answer{}, nil
}

func (d *database) status() string {
	switch {
	case d.goes:
		return "Deleting"
	case d.settled:
		return "Running"
	default:
		return "Creating"
	}
}

func describeDatabases(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("InstanceId"))
	if err != nil {
		return nil, err
	}
	rows := rowsOf(r.databases, func(*database) bool { return true }, func(d *database) answer {
		accounts := rowsOf(r.accounts, func(a *dbAccount) bool { return a.privileges[d.name] != "" }, func(a *dbAccount) answer {
			return r.accountRow(a, a.privileges[d.name])
		})
		return answer{
			"DBName": d.name, "DBStatus": d.status(), "DBDescription": d.description, "Engine": r.engine,
			"CharacterSetName": d.set, "DBInstanceId": r.id, "Accounts": accounts,
		}
	})
	return answer{"Result": answer{"Databases": rows}}, nil
}

// accountRow is the row of an account, with a privilege where a database is meant.
func (r *rdsInstance) accountRow(a *dbAccount, privilege string) answer {
	list := []answer{}
	for _, name := range sortedKeys(a.privileges) {
		list = append(list, answer{"DBName": name, "AccountPrivilege": a.privileges[name], "AccountPrivilegeDetail": ""})
	}
	return answer{
		"Account": a.name, "PrivExceeded": "0", "AccountPrivilegeDetail": "", "AccountType": "Normal", "AccountName": a.name,
		"AccountDescription": "", "DBInstanceId": r.id, "AccountStatus": "Available", "AccountPrivilege": privilege,
		"DatabasePrivileges": list,
	}
}

func describeRdsAccounts(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DbInstanceId"))
	if err != nil {
		return nil, err
	}
	rows := rowsOf(r.accounts, func(a *dbAccount) bool { return q.keeps("AccountName", a.name) }, func(a *dbAccount) answer {
		return r.accountRow(a, "")
	})
	return answer{"Result": answer{"Accounts": rows}}, nil
}

func (r *rdsInstance) account(name string) (*dbAccount, *refusal) {
	a, ok := find(r.accounts, func(a *dbAccount) bool { return a.name == name })
	if !ok {
		return nil, notFound("account", name)
	}
	return a, nil
}

func deleteRdsAccount(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DbInstanceId"))
	if err != nil {
		return nil, err
	}
	a, err := r.account(q.str("AccountName"))
	if err != nil {
		return nil, err
	}
	r.accounts = slices.DeleteFunc(r.accounts, func(x *dbAccount) bool { return x == a })
	return answer{"Result": answer{"RequestId": newUUID()}}, nil
}

func grantDbToAccount(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DbInstanceId"))
	if err != nil {
		return nil, err
	}
	a, err := r.account(q.str("AccountName"))
	if err != nil {
		return nil, err
	}
	d, err := r.database(q.str("DbName"))
	if err != nil {
		return nil, err
	}
	privilege := q.str("AccountPrivilege")
	sqlOnly := privilege == "DBOwner"
	mysqlOnly := privilege == "DDLOnly" || privilege == "DMLOnly"
	if sqlOnly && r.engine != "SQLServer" || mysqlOnly && r.engine == "SQLServer" {
		return nil, invalid("AccountPrivilege")
	}
	a.privileges[d.name] = privilege
	return answer{}, nil
}

// backup is the row of one of the instance's backups, of which every fifth is full.
func (r *rdsInstance) backup(n int) answer {
	at := time.Date(2020, 1, 1, 2, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	kind := "IncrementalBackup"
	if n%5 == 0 {
		kind = "FullBackup"
	}
	return answer{
		"BackupId": fmt.Sprintf("%d", 500000+n), "DBInstanceId": r.id, "BackupStatus": "Success",
		"BackupStartTime": at.Format(timeMinutes), "BackupEndTime": at.Add(10 * time.Minute).Format(timeMinutes), "BackupType": kind,
		"BackupMode": "Automated", "BackupMethod": "Physical", "BackupLocation": "", "BackupExtractionStatus": "", "BackupScale": "DBInstance",
		"BackupDBNames": "", "TotalBackupSize": 1048576, "BackupSize": 1048576, "HostInstanceID": "1000", "StoreStatus": "Enabled", "MetaStatus": "",
	}
}

func getRdsBackUp(w *world, q *call) (answer, *refusal) {
	r, err := w.instance(q, q.str("DbInstanceId"))
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"30", "50", "100"}, q.or("PageSize", "30")) {
		return nil, invalid("PageSize")
	}
	paged := call{values: map[string]string{"PageSize": q.or("PageSize", "30"), "PageNumber": q.str("PageNumber")}}
	rows := []answer{}
	for n := range r.backups {
		row := r.backup(n)
		if q.keeps("BackupId", row["BackupId"].(string)) && q.keeps("BackupType", row["BackupType"].(string)) {
			rows = append(rows, row)
		}
	}
	p := paged.page("PageNumber", rows)
	items, _ := p["Data"].([]answer)
	return answer{"Result": answer{
		"TotalBackupSize": 1048576 * len(rows), "TotalRecordCount": itoa(int64(len(rows))), "PageNumber": q.or("PageNumber", "1"),
		"PageRecordCount": itoa(int64(len(items))), "Items": items,
	}}, nil
}
