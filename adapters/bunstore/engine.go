package bunstore

import (
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// Engine runs the transactions that change users. Each database has its own, because these are the statements that a farm
// lives on: they are prepared, and sent together or one by one, as suits the database. They only find, lock and write; what
// may happen is decided by the ledger, between Begin and Commit.
//
// Transactions of several processes can't wait for each other in a circle. All wait in one order: for their turn at the line
// (Ask.Turn); for calls that others carry out, in the order of their keys, and for rows of users, in the order of their ids
// (only with Ask.Wait; without it, what others hold is left out); then, in Commit, if it adds users or changes labels, for one
// that deletes unused pools and sets of labels (see [Dialect.HoldOffAdds]; that one waits for nothing else, and briefly); then
// for pools, and for logins, in the order of their indexes. And one that removes users, whose logins others may wait for,
// adds none.
type Engine interface {
	// Begin begins a transaction, finds what ask asks for and holds it until the transaction ends.
	Begin(ctx context.Context, ask Ask) (Transaction, Found, error)

	// Crowds returns the claims that stand in line, but for those at the places of left.
	Crowds(ctx context.Context, left []int64) ([]Crowd, error)

	// Waiters returns the claims in line with places above after, in their order, at most limit.
	Waiters(ctx context.Context, after int64, limit int) ([]Waiter, error)
}

// Crowd are the claims in line that want the same.
type Crowd struct {
	Want  []domain.Selector
	Size  int
	Since int64 // since when the first of them waits
}

// Transaction is one that was begun. Commit or Rollback ends it.
type Transaction interface {
	// Look returns, by what is committed at one moment, users that match want: up to free of those that are free, and up to
	// whatever of them whatever their state. It holds none of them, and may return one twice.
	Look(ctx context.Context, want domain.Selector, free, whatever int) ([]Row, error)

	// Search finds and holds free users for more searches, as Begin does. Here, a search may name a user. now is the time of the
	// store's clock when all of them were held.
	Search(ctx context.Context, searches []ledger.Search) (found [][]Row, now int64, err error)

	// Calls returns which of these calls were carried out within [domain.IdempotencyWindow]. With hold, it keeps others from
	// carrying out the rest until the transaction ends, but for those that others carry out already: these are busy.
	Calls(ctx context.Context, keys []ledger.CallKey, hold bool) ([]domain.Once, map[ledger.CallKey]struct{}, error)

	// Commit writes what changed and commits. It returns which users were added. If changes.Together is set and one could not
	// be added, it commits nothing. It returns [ErrOtherRule] if users are to be added and changes.LoginRule is not the rule of
	// the database. Unless committing is set, an error leaves the database as it was.
	Commit(ctx context.Context, changes Changes) (added map[domain.UserID]bool, committing bool, err error)

	// Rollback does nothing after Commit.
	Rollback()
}

// Ask is what a transaction is to find and hold.
type Ask struct {
	// Needs are the ledger's. Free users that others hold are left out, whatever Wait says.
	ledger.Needs

	// Wait for rows and calls that others hold, and do not leave them out.
	Wait bool

	// OneMoment lets every Look see what was committed at one moment. Such a transaction holds and writes nothing.
	OneMoment bool

	// Turn keeps others from changing the line until the transaction ends, and asks for which claims are in line, and for the
	// time of the next expiry.
	Turn bool

	// FreeByTime asks for up to so many users whose locks have expired, without holding them, if Turn is set.
	FreeByTime int

	// Since is the version of the line after which to look for its changes, if Turn or Line is set.
	Since int64

	// Places asks for the places in line of these calls, also of those that claims left at most [domain.PlaceKept] ago.
	Places []ledger.CallID

	// Late asks for the places in line that are not kept any longer.
	Late bool

	// Beat is the replica that reports that it is alive, once the transaction commits; 0 is none.
	Beat ReplicaID
}

// Found is what a transaction found and holds.
type Found struct {
	Now     int64   // the time of the store's clock, when all of this was held
	Targets []Row   // the users that were named, and those of the leases, in any order and perhaps more than once
	Free    [][]Row // Free[i] is for Ask.Searches[i]

	Calls   []domain.Once               // those that were carried out
	Busy    map[ledger.CallKey]struct{} // those that others carry out
	Line    LineChanges
	Last    int64    // the highest place that any claim has; 0 if none is in line
	Places  []Waiter // those of Ask.Places, in their order
	Late    []Waiter // the places that are not kept any longer
	Expired []Row

	FreeByTime []Row // users whose locks have expired, not held
	NextExpiry int64 // of a lock, by the store's clock; 0 if none is to expire
}

// Changes are what a transaction writes: the ledger's, and their rows.
type Changes struct {
	ledger.Changes

	At       int64     // Now in microseconds since 1970
	Moved    []Move    // users whose circulation changed
	Accounts []Account // users whose secrets or labels changed
	Sessions []SavedSession
	Rows     []Row // Rows[i] is of Added[i]
	Leases   []EndedLease
	Waiters  []Waiter // that join the line

	Replica ReplicaID // that writes

	Tell []string // to the other processes, when this is committed; see [Config.Listen]

	LoginRule string // by which LoginKey of Rows was computed
}

// Reorder reports whether a free user may have rested longer than those that were found before: it was added, or restored, or got
// other labels.
func (c Changes) Reorder() bool {
	return len(c.Rows)+len(c.Accounts) > 0 || slices.ContainsFunc(c.Moved, func(m Move) bool { return m.FreeAt < c.At })
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
