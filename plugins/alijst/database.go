package main

import (
	"context"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/retailcloud"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// DatabaseSpec is what the account's people choose of a database.
type DatabaseSpec struct {
	Instance     string `json:"db_instance_id" required:"true" min:"1" max:"100" pattern:"^[^/]+$" title:"Database instance" doc:"One of the account's rds_instances"`
	Name         string `json:"db_name" required:"true" pattern:"^[a-z][a-z0-9_-]{0,62}[a-z0-9]$" title:"Name" doc:"Unique in the instance"`
	CharacterSet string `json:"character_set" required:"true" enum:"utf8,gbk,latin1,utf8mb4,Chinese_PRC_CI_AS,Chinese_PRC_CS_AS,SQL_Latin1_General_CI_AS,SQL_Latin1_General_CP1_CS_AS,SQL_Latin1_General_CS_AS,Chinese_PRC_BIN" title:"Characters" doc:"The first four of MySQL and MariaDB, the others of SQL Server"`
	Description  string `json:"description,omitempty" max:"200" title:"Description"`
}

// DatabaseState is what a database is.
type DatabaseState struct {
	Instance     string      `json:"db_instance_id" title:"Database instance"`
	Name         string      `json:"db_name" title:"Name"`
	Engine       string      `json:"engine,omitempty" title:"Engine"`
	CharacterSet string      `json:"character_set,omitempty" title:"Characters"`
	Description  string      `json:"description,omitempty" title:"Description"`
	Accounts     []Privilege `json:"accounts,omitempty" title:"Accounts"`
}

// Privilege is what an account may do in a database.
type Privilege struct {
	Account   string `json:"account,omitempty" title:"Account"`
	Database  string `json:"db_name,omitempty" title:"Database"`
	Privilege string `json:"privilege" title:"Right"`
	Detail    string `json:"detail,omitempty" title:"Details"`
}

// databaseRow is a database as the cloud shows it.
type databaseRow struct {
	DBName, DBStatus, DBDescription string
	Engine, CharacterSetName        string
	Accounts                        []accountRow
}

type database = provider.Thing[DatabaseState]

func (r databaseRow) thing(instance string) database {
	description, mark := split(r.DBDescription)
	t := database{
		ID: instance + "/" + r.DBName, Name: r.DBName, Token: mark, Status: databaseStatus(r.DBStatus), RawStatus: r.DBStatus,
		State: DatabaseState{Instance: instance, Name: r.DBName, Engine: r.Engine, CharacterSet: r.CharacterSetName, Description: description},
	}
	for _, a := range r.Accounts {
		t.State.Accounts = append(t.State.Accounts, Privilege{
			Account: firstText(a.AccountName, a.Account), Privilege: a.AccountPrivilege, Detail: a.AccountPrivilegeDetail,
		})
	}
	return t
}

// databases is the handler of the kind database. Its token's mark stands in the
// description. It has no plain delete: what deletes data must be confirmed.
type databases struct{ found[DatabaseState] }

func databaseKind(p *plugin) *provider.Kind {
	h := databases{found[DatabaseState]{shelf[DatabaseState]{plugin: p, kind: kindDatabase, walk: walkDatabases, within: inCluster}}}
	p.shelves[kindDatabase] = h
	return provider.KindOf[DatabaseSpec, DatabaseState](kindDatabase, "Database", h,
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete with its data", Changes: true, Destructive: true}, h.destroy),
	)
}

// inRDS calls do for a database instance, or for all that the account names. One
// that is not among them is another account's to the broker.
func inRDS(c *cloud, within string, do func(id string) error) error {
	for _, id := range c.cfg.databases() {
		if within != "" && within != id {
			continue
		}
		if err := do(id); err != nil {
			return err
		}
	}
	return nil
}

// walkDatabases streams those of one instance or of all.
func walkDatabases(ctx context.Context, c *cloud, within string, yield func(database) error) error {
	return inRDS(c, within, func(id string) error {
		r := retailcloud.CreateDescribeDatabasesRequest()
		r.InstanceId = id
		out, err := read[struct {
			Result struct{ Databases []databaseRow }
		}](ctx, c, r)
		if err != nil {
			return err
		}
		for _, row := range out.Result.Databases {
			if err := yield(row.thing(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// known refuses a database instance that the account does not name.
func (c *cloud) known(instance, path string) error {
	for _, id := range c.cfg.databases() {
		if id == instance {
			return nil
		}
	}
	return fault.Invalid(path, "%q is not among the account's rds_instances", instance)
}

// Create makes one database. One of the same name that another token made is
// refused by the cloud.
func (h databases) Create(ctx context.Context, req provider.TypedCreate[DatabaseSpec]) (provider.Result[DatabaseState], error) {
	var none provider.Result[DatabaseState]
	s := req.Spec
	c, mark, err := h.order(ctx, req.Call, req.Token, req.Term)
	if err != nil {
		return none, err
	}
	if err := c.known(s.Instance, "spec.db_instance_id"); err != nil {
		return none, err
	}
	return h.make(ctx, c, making[DatabaseState]{mark: mark, within: s.Instance, takes: true, buy: func(ctx context.Context) (string, error) {
		r := retailcloud.CreateCreateDbRequest()
		r.DbInstanceId, r.DbName, r.DbDescription = s.Instance, s.Name, join(firstText(strings.TrimSpace(s.Description), s.Name), mark)
		r.CharacterSetName = firstText(table().collations[s.CharacterSet], s.CharacterSet)
		return s.Instance + "/" + s.Name, change(ctx, c, r)
	}})
}

// destroy deletes a database.
func (h databases) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error {
		p, _ := parts(id, 2, 0)
		r := retailcloud.CreateDeleteDatabaseRequest()
		r.DBInstanceId, r.DBName = p[0], p[1]
		return change(ctx, c, r)
	})
}

// AccountState is what an account of a database instance is.
type AccountState struct {
	Instance    string      `json:"db_instance_id" title:"Database instance"`
	Name        string      `json:"account_name" title:"Account"`
	Type        string      `json:"account_type,omitempty" title:"Sort"`
	Description string      `json:"description,omitempty" title:"Description"`
	Exceeded    string      `json:"privileges_exceeded,omitempty" title:"Too many rights"`
	Privileges  []Privilege `json:"privileges,omitempty" title:"Rights"`
}

// accountRow is an account as the cloud shows it.
type accountRow struct {
	Account, AccountName, AccountType, AccountStatus string
	AccountDescription                               string
	AccountPrivilege, AccountPrivilegeDetail         string
	PrivExceeded                                     loose
	DatabasePrivileges                               []struct{ DBName, AccountPrivilege, AccountPrivilegeDetail string }
}

type account = provider.Thing[AccountState]

func (r accountRow) thing(instance string) account {
	name := firstText(r.AccountName, r.Account)
	t := account{
		ID: instance + "/" + name, Name: name, Status: provider.StatusRunning, RawStatus: r.AccountStatus,
		State: AccountState{Instance: instance, Name: name, Type: r.AccountType, Description: r.AccountDescription, Exceeded: r.PrivExceeded.text()},
	}
	if r.AccountStatus != "" && r.AccountStatus != "Available" {
		t.Status = provider.StatusUnknown
	}
	for _, p := range r.DatabasePrivileges {
		t.State.Privileges = append(t.State.Privileges, Privilege{Database: p.DBName, Privilege: p.AccountPrivilege, Detail: p.AccountPrivilegeDetail})
	}
	return t
}

// accounts is the handler of the kind database_account.
type accounts struct{ shelf[AccountState] }

func accountKind(p *plugin) *provider.Kind {
	h := accounts{shelf[AccountState]{plugin: p, kind: kindAccount, walk: walkAccounts, one: oneAccount}}
	p.shelves[kindAccount] = h
	return provider.KindOf[none, AccountState](kindAccount, "Database account", h,
		provider.ActionOf(provider.ActionDescription{Name: "grant", Title: "Grant a right", Changes: true}, h.grant),
		provider.ActionOf(provider.ActionDescription{Name: "destroy", Title: "Delete", Changes: true, Destructive: true}, h.destroy),
	)
}

// accountsOf streams the accounts of an instance, or the one with a name.
func (c *cloud) accountsOf(ctx context.Context, instance, name string, yield func(account) error) error {
	r := retailcloud.CreateDescribeRdsAccountsRequest()
	r.DbInstanceId, r.AccountName = instance, name
	out, err := read[struct {
		Result struct{ Accounts []accountRow }
	}](ctx, c, r)
	if err != nil {
		return err
	}
	for _, row := range out.Result.Accounts {
		if err := yield(row.thing(instance)); err != nil {
			return err
		}
	}
	return nil
}

// walkAccounts streams those of one instance or of all.
func walkAccounts(ctx context.Context, c *cloud, within string, yield func(account) error) error {
	return inRDS(c, within, func(id string) error { return c.accountsOf(ctx, id, "", yield) })
}

func oneAccount(ctx context.Context, c *cloud, id string) (account, error) {
	var out account
	p, _ := parts(id, 2, 0)
	err := inRDS(c, firstText(p[0], "/"), func(instance string) error {
		return c.accountsOf(ctx, instance, p[1], func(t account) error {
			if t.ID == id {
				out = t
			}
			return nil
		})
	})
	if err == nil && out.ID == "" {
		err = fault.NotFound(kindAccount, id)
	}
	return out, err
}

// GrantInput is a right in a database.
type GrantInput struct {
	Database  string `json:"db_name" required:"true" min:"2" max:"64" title:"Database"`
	Privilege string `json:"privilege" required:"true" enum:"ReadWrite,ReadOnly,DDLOnly,DMLOnly,DBOwner" title:"Right" doc:"DBOwner of SQL Server, DDLOnly and DMLOnly of MySQL and MariaDB"`
}

// grant gives an account a right in a database; to grant it again changes nothing.
func (h accounts) grant(ctx context.Context, req provider.TypedAction[GrantInput]) (provider.ActionResult[none], error) {
	var out provider.ActionResult[none]
	c, err := h.openIn(ctx, req.Call)
	if err != nil {
		return out, err
	}
	if _, err := h.get(ctx, c, req.ID); err != nil {
		return out, fault.NotDone(err)
	}
	p, _ := parts(req.ID, 2, 0)
	r := retailcloud.CreateGrantDbToAccountRequest()
	r.DbInstanceId, r.AccountName, r.DbName, r.AccountPrivilege = p[0], p[1], req.Input.Database, req.Input.Privilege
	return out, change(ctx, c, r)
}

// destroy deletes an account.
func (h accounts) destroy(ctx context.Context, req provider.TypedAction[Confirm]) (provider.ActionResult[none], error) {
	return h.destroyed(ctx, req, func(ctx context.Context, c *cloud, id string) error {
		p, _ := parts(id, 2, 0)
		r := retailcloud.CreateDeleteRdsAccountRequest()
		r.DbInstanceId, r.AccountName = p[0], p[1]
		return change(ctx, c, r)
	})
}

// BackupState is what a backup of a database instance is.
type BackupState struct {
	Instance   string `json:"db_instance_id" title:"Database instance"`
	Status     string `json:"status" title:"State"`
	Type       string `json:"backup_type" title:"Sort"`
	Mode       string `json:"mode,omitempty" title:"Mode"`
	Method     string `json:"method,omitempty" title:"Method"`
	Scale      string `json:"scale,omitempty" title:"Scale"`
	Databases  string `json:"databases,omitempty" title:"Databases"`
	Location   string `json:"location,omitempty" title:"Place"`
	Extraction string `json:"extraction_status,omitempty" title:"State of extraction"`
	Store      string `json:"store_status,omitempty" title:"State of the store"`
	Meta       string `json:"meta_status,omitempty" title:"State of the description"`
	Host       string `json:"host_instance_id,omitempty" title:"Host"`
	Bytes      int64  `json:"bytes" title:"Size"`
	TotalBytes int64  `json:"total_bytes,omitempty" title:"Size of all"`
	Began      string `json:"began,omitempty" title:"Beginning"`
	Ended      string `json:"ended,omitempty" title:"End"`
}

// backupRow is a backup as the cloud shows it.
type backupRow struct {
	ID                                          loose `json:"BackupId"`
	BackupStatus, BackupType, BackupMode        string
	BackupMethod, BackupLocation, BackupScale   string
	BackupExtractionStatus, BackupDBNames       string
	BackupExtraActionStatus                     string
	BackupStartTime, BackupEndTime              string
	StoreStatus, MetaStatus                     string
	HostInstanceID, BackupSize, TotalBackupSize loose
}

type backup = provider.Thing[BackupState]

func (r backupRow) thing(c *cloud, instance string) backup {
	began, ended := c.cfg.moment(r.BackupStartTime), c.cfg.moment(r.BackupEndTime)
	t := backup{
		ID: instance + "/" + r.ID.text(), Name: r.ID.text(), Status: provider.StatusUnknown, RawStatus: r.BackupStatus, Created: began,
		State: BackupState{
			Instance: instance, Status: r.BackupStatus, Type: r.BackupType, Mode: r.BackupMode, Method: r.BackupMethod, Scale: r.BackupScale,
			Databases: r.BackupDBNames, Location: r.BackupLocation, Extraction: firstText(r.BackupExtractionStatus, r.BackupExtraActionStatus),
			Store: r.StoreStatus, Meta: r.MetaStatus, Host: r.HostInstanceID.text(), Bytes: r.BackupSize.number(), TotalBytes: r.TotalBackupSize.number(),
			Began: rfc(began), Ended: rfc(ended),
		},
	}
	if r.BackupStatus == "Success" {
		t.Status = provider.StatusFree
	}
	return t
}

// backups is the handler of the kind backup.
type backups struct{ shelf[BackupState] }

func backupKind(p *plugin) *provider.Kind {
	h := backups{shelf[BackupState]{plugin: p, kind: kindBackup, walk: walkBackups, one: oneBackup}}
	p.shelves[kindBackup] = h
	return provider.KindOf[none, BackupState](kindBackup, "Backup", h)
}

// backupsOf streams the backups of an instance, or the one with an id. The
// total comes within the result, and only three sizes of pages are taken.
func (c *cloud) backupsOf(ctx context.Context, instance, id string, yield func(backup) error) error {
	sizes := rule("GetRdsBackUp").pageSizes
	size, seen := sizes[len(sizes)-1], int64(0)
	for page := int64(1); page <= mostPages; page++ {
		r := retailcloud.CreateGetRdsBackUpRequest()
		r.DbInstanceId, r.BackupId, r.PageNumber, r.PageSize = instance, id, whole(page), requests.NewInteger(size)
		out, err := read[struct {
			Result struct {
				TotalRecordCount loose
				Items            []backupRow
			}
		}](ctx, c, r)
		if err != nil {
			return err
		}
		for _, row := range out.Result.Items {
			if err := yield(row.thing(c, instance)); err != nil {
				return err
			}
		}
		seen += int64(len(out.Result.Items))
		if len(out.Result.Items) == 0 || seen >= out.Result.TotalRecordCount.number() {
			return nil
		}
	}
	return fault.Unavailable("a list of the cloud does not end").From(fault.SourceCloud)
}

func walkBackups(ctx context.Context, c *cloud, within string, yield func(backup) error) error {
	return inRDS(c, within, func(id string) error { return c.backupsOf(ctx, id, "", yield) })
}

func oneBackup(ctx context.Context, c *cloud, id string) (backup, error) {
	var out backup
	p, _ := parts(id, 2, 0)
	err := inRDS(c, firstText(p[0], "/"), func(instance string) error {
		return c.backupsOf(ctx, instance, p[1], func(t backup) error {
			if t.ID == id {
				out = t
			}
			return nil
		})
	})
	if err == nil && out.ID == "" {
		err = fault.NotFound(kindBackup, id)
	}
	return out, err
}
