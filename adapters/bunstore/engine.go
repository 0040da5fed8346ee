package bunstore

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Engine runs the transactions that change users. Each database has its own, because these are the statements that a farm
// lives on: they are prepared, and sent together, or one by one, as suits the database. They only find, keep and write;
// what may happen is decided between Begin and Commit.
//
// Transactions of several processes can't wait for each other in a circle. All wait in one order: for rows of users, in the
// order of their ids (only with Ask.Wait; without, rows that others keep are left out); then, in Commit, for pools, and for
// logins, in the order of their indexes. And one that removes users, whose logins others may wait for, adds none.
type Engine interface {
	// Begin begins a transaction, finds what ask asks for and keeps it from all others until the transaction ends.
	Begin(ctx context.Context, ask Ask) (Transaction, Found, error)
}

// Transaction is one that was begun. Commit or Rollback ends it.
type Transaction interface {
	// Look returns, by what is committed at one moment, users that match want: up to free of those that are free, and up to
	// whatever of them whatever their state. It keeps none of them, and may return one twice.
	Look(ctx context.Context, want domain.Selector, free, whatever int) ([]Row, error)

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
}

// Changes are what a transaction writes.
type Changes struct {
	Now      int64 // when the leases ended
	Moved    []Move
	Accounts []Account // whose password or labels changed
	Ended    []int64   // keys of leases (see [leaseKey])
	Removed  []domain.UserID
	Added    []Row
	Together bool // add all of them or commit nothing
}

// Move is what became of a user's circulation.
type Move struct {
	UserID [16]byte
	Circulation
}

// Account is what became of a user's password and labels.
type Account struct {
	UserID   [16]byte
	Password []byte // sealed
	Labels   []byte // a JSON object
}
