// Package bunstore implements [ports.Store] over Bun, once for PostgreSQL and SQLite. It loads rows, lets the ledger (see
// package ledger) decide about them, and writes what the ledger says. It knows of a database only its [Dialect] and its
// [Engine], which the packages postgres and sqlite have.
//
// Writes commit in groups: operations that arrive while a transaction is under way share the next one. Reads and housekeeping
// go through Bun.
//
// # Where to find what
//
//   - claim.go, users.go: the port's methods, each as an operation of the ledger
//   - queue.go, group.go: group commit, and what happens in one transaction
//   - transact.go: from rows to the ledger and back; row.go and secrets.go: one row
//   - contention.go: what happens when a rival holds what is needed
//   - caller.go: callers that leave before they are answered
//   - sessions.go: what holders saved of a login
//   - logins.go: which logins are one account
//   - retry.go: what is tried again, and for how long
//   - candidates.go: users that a search for labels found, for the next ones
//   - look.go: why a claim came short; refused.go: claims that will come short again
//   - line.go, passes.go, pass.go, wait.go: the line; the part that waits here, when to pass over it, one pass, one claim
//   - give_up.go: claims that have left the line, and do not ask again
//   - imports.go: imports of several chunks; merge.go, identities.go: one chunk
//   - api_keys.go, projects.go: API keys, names of projects; change_aside.go: how they change
//   - forget.go, unused.go: what housekeeping deletes
//   - trace.go: spans of waits and of commits
//   - mirror.go: the line as the store has it; lookout.go: users that may be free for it; tell.go: what processes tell each other
//   - dialect.go, engine.go: what the databases implement
//
// # The path of an acquire
//
// On PostgreSQL, a request that finds a free user at once passes these functions, in this order:
//
//	http      AcquireLease (generated), AcquireLease, read.Acquire
//	app       Farm.Acquire
//	domain    LeasePolicy.Apply, CheckSelectors, CheckTerms
//	app       Farm.narrow
//	domain    IdempotencyKey.NewLease
//	bunstore  Store.Claim, refused.lately, Store.run, queue.do
//	          queue.runAll, queue.next, Store.runGroup, Store.attempt, Store.retry, Store.transact
//	ledger      NeedsOf, Claim.need, limit, SearchKey, neighbours
//	bunstore    Store.begin, mirror.since
//	postgres      engine.Begin, transaction.search, lowWater.of, searchFree, newSearch, matches, exchange.changes, exchange.send,
//	              scanUsers, lowWater.seen
//	bunstore      mirror.see
//	bunstore      Store.open, Store.restore, openSecrets; sealing: KeyFile.Open, KeyRing.Open
//	ledger        Open, Ledger.Load, Ledger.enter
//	bunstore    caller.apply
//	ledger        Claim.apply, Ledger.candidates, Ledger.mostRested
//	domain          Selector.Matches, User.CheckFree, Assign
//	bunstore        mirror.wanted
//	ledger          Ledger.give, Ledger.decide
//	domain            Grant
//	ledger      Ledger.Changes
//	bunstore    Store.commit, Store.rowsOf, circulationOf, mirror.wantedBy, Store.traceCommit
//	postgres      transaction.Commit, circulations, addEvents, exchange.send, lowWater.wrote, Candidates.Wrote
//	http      viewLease
//
// A claim that finds too few users goes on at look.go and contention.go; one that has to wait, at wait.go.
package bunstore

import (
	"context"
	"sync/atomic"

	"github.com/uptrace/bun"
	"golang.org/x/sync/singleflight"

	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// Config is what a store is made of.
type Config struct {
	Dialect Dialect
	Sealer  ports.Sealer
	Logins  login.Rule // by which the keys of the database's logins were computed; see [KeyLogins]

	// Writer and Reader are the same database, and may be the same pool. Reader sees what Writer committed.
	Writer, Reader *bun.DB

	// Engine writes to the same database. It may be asked for one transaction at a time for groups, one for the line, one that checks
	// whether it can write, as many as SoloSlots says (at least 1) for operations that may wait for rows that rivals hold, and as
	// many as QuickSlots says (at least 1) for others.
	Engine     Engine
	SoloSlots  int
	QuickSlots int

	// Check returns why the database must not be used, or nil. Each operation calls it before it begins and before it is answered:
	// see [ports.UnavailableError]. It may be nil.
	Check func() error

	// CheckSpace does something that needs some space on the disk of the database, and leaves nothing there. Its error has the cause
	// [Full] if there is no space.
	CheckSpace func(ctx context.Context) error

	// Reconnect drops the idle connections: one turned out to be dead, so the others may be, too. It may be nil.
	Reconnect func()

	// Listen calls back with each text that another process tells (see [Changes]), and with [TellAnything] whenever it may have
	// missed some, until ctx ends. It may be nil.
	Listen func(ctx context.Context, hear func(text string))

	Observers ports.Observers

	// Close closes Writer, Reader and what they stand on.
	Close func() error
}

// Store implements [ports.Store]. It is safe for concurrent use.
type Store struct {
	dialect    Dialect
	sealer     ports.Sealer
	logins     login.Rule
	writer     *bun.DB
	reader     *bun.DB
	engine     Engine
	queue      queue
	unreadable unreadable
	leftUnused atomic.Bool // whether there may be pools or sets of labels that no user has; see forgetUnused
	line       line
	mirror     *mirror
	refused    refused
	soloSlots  chan struct{} // has room for another operation that goes solo
	quickSlots chan struct{} // has room for another transaction that waits for no rival
	pings      singleflight.Group
	looks      singleflight.Group // that claims in line share; see lookTogether
	check      func() error
	checkSpace func(ctx context.Context) error
	full       atomic.Bool // no space was seen on the disk since the start, or since an operation found none
	observers  ports.Observers
	reconnect  func()
	unlisten   func()
	close      func() error
}

var _ ports.Store = (*Store)(nil)

// New returns the store of a database whose schema is up to date (see [Migrate]) and whose keys are available (see
// [CheckKeys]), with its logins compared by config.Logins (see [KeyLogins]).
func New(config Config) *Store {
	store := &Store{
		dialect:    config.Dialect,
		sealer:     config.Sealer,
		logins:     config.Logins,
		writer:     config.Writer,
		reader:     config.Reader,
		engine:     config.Engine,
		soloSlots:  make(chan struct{}, max(1, config.SoloSlots)),
		quickSlots: make(chan struct{}, max(1, config.QuickSlots)),
		check:      config.Check,
		checkSpace: config.CheckSpace,
		observers:  config.Observers,
		reconnect:  config.Reconnect,
		close:      config.Close,
		mirror:     newMirror(),
	}
	if store.check == nil {
		store.check = func() error { return nil }
	}
	if store.reconnect == nil {
		store.reconnect = func() {}
	}
	store.leftUnused.Store(true) // by earlier processes
	store.full.Store(store.checkSpace != nil)
	store.queue.run = store.runGroup
	store.line.init(store.servePass)
	store.listen(config.Listen)
	return store
}

// Close ends the store. Operations that are under way may fail.
func (s *Store) Close() error {
	s.unlisten()
	s.line.close()
	return s.close()
}

// listen hears what other processes tell.
func (s *Store) listen(listen func(context.Context, func(text string))) {
	s.unlisten = func() {}
	if listen == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		listen(ctx, s.hear)
	}()
	s.unlisten = func() {
		cancel()
		<-ended
	}
}
