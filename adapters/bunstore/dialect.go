package bunstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// Dialect is what this package must know of a database, whose package spells it. Other differences are Bun's to bridge
// (placeholders, blobs) or stay in the migrations (types: a UUID is a uuid or a text, labels are jsonb or JSON in a text).
type Dialect struct {
	// Name begins the text of every error.
	Name string

	// System is the database in traces: a db.system.name of OpenTelemetry's semantic conventions.
	System string

	// Clock returns an SQL expression for the time of the store's clock in microseconds since 1970. It is volatile: each row
	// of an answer has the time at which the row was found.
	Clock func() bun.Safe

	// Rules are the domain's rules in SQL.
	Rules Rules

	// SkipLocked is the FOR clause that makes a SELECT hold its rows until the transaction ends, and leave out those that
	// another transaction holds. It is empty where a transaction that writes has the database to itself.
	SkipLocked string

	// Lock is the FOR clause that makes a SELECT wait for its rows and hold them. It is empty where SkipLocked is.
	Lock string

	// HoldOffAdds are statements that make a transaction wait for those that add users or change labels, and make those wait
	// until it ends: so that no set of labels or pool is deleted that one of them is about to use. They fail if
	// that takes long. They are empty where SkipLocked is.
	HoldOffAdds []string

	// Settled is a condition on events e: no event before this one is still to be written. It is empty where none can be.
	Settled string

	// DeadReplicas is the table of replicas, if there is one, with the time when they last said that they are alive.
	DeadReplicas []Aging

	// AddEvents records events at a time, outside of an [Engine]'s transaction.
	AddEvents func(ctx context.Context, tx *sql.Tx, at int64, events []domain.Event) error

	// Cause tells what an error of the driver means.
	Cause func(error) Cause
}

// Rules are the domain's rules, as far as a search must know them to narrow, in the SQL of a database. A test compares them
// with the domain on generated users (see bunstoretest).
type Rules struct {
	// Conditions on users u. Each ? takes the time of the store's clock in microseconds since 1970.
	Free        string // [domain.Free]
	NotFree     string // the opposite of Free
	NeverFree   string // time alone does not make the user free, see [domain.User.FreeFrom]; takes no time. All in quarantine are.
	Held        string // a lock holds the user, be it quarantined or not
	Leased      string // a lock that ends holds the user: that of a lease, or an open one with an end
	Expired     string // the user carries a lock that has expired
	Quarantined string // [domain.Quarantined]

	// KeyActive is a condition on api_keys k: [domain.KeyActive]. The ? takes the time likewise.
	KeyActive string

	// Matches returns the conditions that [domain.Selector.Matches] makes for a selector that names no user. pool is the table
	// that has the fields of the pool, and labels the one that has the labels.
	Matches func(want domain.Selector, pool, labels string) []Condition

	// InScope returns the conditions for a column that has a project of a scope.
	InScope func(scope domain.Scope, column string) []Condition
}

// Condition is a condition in SQL, with a ? for each argument.
type Condition struct {
	SQL  string
	Args []any
}

// unindexed returns a condition for the same rows that no index is for.
func (c Condition) unindexed() Condition {
	return Condition{SQL: "(" + c.SQL + ") IS TRUE", Args: c.Args}
}

// where narrows a search by conditions.
func where(search *bun.SelectQuery, conditions []Condition) *bun.SelectQuery {
	for _, c := range conditions {
		search = search.Where(c.SQL, c.Args...)
	}
	return search
}

// locked is the condition, with the time twice, for users that are held and not in quarantine.
func (r Rules) locked() string { return "NOT " + r.Quarantined + " AND " + r.Held }

// inState narrows a search to users that are in a state at a time.
func (r Rules) inState(search *bun.SelectQuery, state domain.Status, at time.Time) *bun.SelectQuery {
	switch state {
	case "":
		return search
	case domain.Free:
		return search.Where(r.Free, micros(at))
	case domain.Locked:
		return search.Where(r.locked(), micros(at), micros(at))
	case domain.Quarantined:
		return search.Where(r.Quarantined, micros(at))
	default:
		return search.Where("1 = 0")
	}
}

// Cause is what an error of a driver means for the store.
type Cause int

// The causes of errors.
const (
	// Bug: the database does not accept what this package sent. It is not for the caller to repair.
	Bug Cause = iota
	// Taken: another row has a value of which there can be only one. Where that is not expected, it is a bug.
	Taken
	// Away: the database can't do its work now.
	Away
	// Full: there is no space left on the disk of the database.
	Full
	// Disconnected: the connection ended, or leads to a server that no longer takes writes. Another connection may do.
	Disconnected
	// Conflict: the database gave the transaction up in favour of another one.
	Conflict
	// Busy: another process has the whole database to itself just now.
	Busy
	// UnknownKey: something was sealed with a key that the database does not know (yet).
	UnknownKey
)
