package bunstore

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Engine runs the transactions that change users. Each database has its own, because these are the statements that a farm
// lives on: they are prepared, and sent together, or one by one, as suits the database. They only find, keep and write;
// what may happen is decided between Begin and Commit.
//
// Transactions of several processes can't wait for each other in a circle. All wait in one order: for their turn at the line
// (Ask.Line); for calls that others are at, in the order of their keys, and for rows of users, in the order of their ids (only
// with Ask.Wait; without, what others keep is left out); then, in Commit, for pools, and for logins, in the order of their
// indexes. And one that removes users, whose logins others may wait for, adds none.
type Engine interface {
	// Begin begins a transaction, finds what ask asks for and keeps it from all others until the transaction ends.
	Begin(ctx context.Context, ask Ask) (Transaction, Found, error)

	// Crowds returns who stands in line.
	Crowds(ctx context.Context) ([]Crowd, error)
}

// Crowd are those in line who want the same.
type Crowd struct {
	Want  []domain.Selector
	Size  int
	Since int64 // the first of them waits
}

// Transaction is one that was begun. Commit or Rollback ends it.
type Transaction interface {
	// Look returns, by what is committed at one moment, users that match want: up to free of those that are free, and up to
	// whatever of them whatever their state. It keeps none of them, and may return one twice.
	Look(ctx context.Context, want domain.Selector, free, whatever int) ([]Row, error)

	// Search finds and keeps free users for more searches, as Begin does.
	Search(ctx context.Context, searches []Search) ([][]Row, error)

	// Calls returns which of these calls were carried out within [domain.IdempotencyWindow]. With keep, it keeps others from
	// carrying out the rest until the transaction ends, but for those that others are at: these are busy.
	Calls(ctx context.Context, keys []CallKey, keep bool) (calls []domain.Once, busy map[CallKey]struct{}, err error)

	// Commit writes what changed and commits. It returns the ids of the users that were added. If changes.Together is set and
	// one could not be added, it commits nothing. Unless committing is set, an error leaves the database as it was.
	Commit(ctx context.Context, changes Changes) (added []domain.UserID, committing bool, err error)

	// Rollback does nothing after Commit.
	Rollback()
}

// Ask is what a transaction is to find and keep.
type Ask struct {
	// Wait for rows that others keep, and do not leave them out.
	Wait bool

	// OneMoment lets every Look see what was committed at one moment. Such a transaction keeps and writes nothing.
	OneMoment bool

	Users  []domain.UserID
	Leases []domain.LeaseDigest

	// Free asks for free users. Of those that others keep it wants none, whatever Wait says.
	Free []Search

	// Calls asks which of these were carried out; see [Transaction.Calls]. Without Wait, those that others are at are left
	// out.
	Calls []CallKey

	// Wants asks what those in line want.
	Wants bool

	// Line asks for the line, and keeps others from serving it until the transaction ends.
	Line bool

	// Beat is who gives a sign of life with this transaction, once that commits; 0 is nobody.
	Beat ReplicaID

	// Expired asks for up to so many users whose locks have expired, leaving out those that others keep; and for the time
	// of the next expiry, as Line does.
	Expired int
}

// Search asks for free users that a selector matches, the most rested first.
type Search struct {
	Want  domain.Selector // without a user id
	Key   string          // the same for searches that want the same
	Limit int
}

// Found is what a transaction found and keeps.
type Found struct {
	Now     int64   // the time of the store's clock, when all of this was kept
	Targets []Row   // the users that were named, and those of the leases, in any order and perhaps more than once
	Free    [][]Row // Free[i] is for Ask.Free[i]

	Calls   []domain.Once        // those that were carried out
	Busy    map[CallKey]struct{} // those that others are at
	Wants   [][]domain.Selector  // each once, in any order
	Line    Line
	Expired []Row

	NextExpiry int64 // of a lock, by the store's clock; 0 if none is to expire
}

// Changes are what a transaction writes.
type Changes struct {
	Now      int64 // when the leases ended
	Moved    []Move
	Accounts []Account // whose secrets or labels changed
	Ended    []EndedLease
	Removed  []domain.UserID
	Added    []Addition
	Together bool // add all of them or commit nothing
	Events   []domain.Event
	Calls    []domain.Once
	Joined   []Waiter
	Left     []int64 // places in line

	// Replica is who writes. Frees says that users may be free now whom others wait for: they are told.
	Replica ReplicaID
	Frees   bool
}

// Addition is a new user, and what is to be written only if it could be added.
type Addition struct {
	Row
	Events []domain.Event
	Calls  []domain.Once
}

// WithAdded returns the events and the calls to write when these users were added.
func (c Changes) WithAdded(added []domain.UserID) ([]domain.Event, []domain.Once) {
	events, calls := c.Events, c.Calls
	for _, a := range c.Added {
		if slices.Contains(added, domain.UserID(a.UserID)) {
			events, calls = append(events, a.Events...), append(calls, a.Calls...)
		}
	}
	return events, calls
}

// Move is what became of a user's circulation.
type Move struct {
	UserID [16]byte
	Circulation
}

// Account is what became of a user's secrets and labels.
type Account struct {
	UserID [16]byte
	Secrets
	Labels []byte // a JSON object
}
