// Package bunstore implements [ports.Store] over Bun, once for PostgreSQL and SQLite. What differs between the two is in
// [Dialect], and the statements that change users in an [Engine] for each; the packages postgres and sqlite have these.
//
// The store finds rows, keeps them from others and writes them; what may happen to a user is for the domain to decide, on
// the row that is kept, through the closure that the caller passes.
//
// Writes commit in groups (see [Store.carry]): what arrives while a transaction is under way rides in the next one. A write
// that would make its group wait for rows which another process keeps leaves the group and waits on its own. Reading and
// housekeeping go through Bun.
package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/ports"
)

// Config is what a store is made of.
type Config struct {
	Dialect Dialect
	Sealer  ports.Sealer

	// Writer and Reader are the same database, and may be the same pool. Reader sees what Writer committed.
	Writer, Reader *bun.DB

	// Engine writes to the same database. It may be asked for one transaction at a time for groups, one for the line, and as
	// many as SoloSlots says (at least 1) for operations that go solo and may wait for rows that rivals hold.
	Engine    Engine
	SoloSlots int

	// Reconnect drops the idle connections: one turned out to be dead, so the others may be, too. It may be nil.
	Reconnect func()

	// Listen calls back whenever another process may have set users free, until ctx ends. It may be nil.
	Listen func(ctx context.Context, wake func())

	// Close closes Writer, Reader and what they stand on.
	Close func() error
}

// Store implements [ports.Store]. It is safe for concurrent use.
type Store struct {
	dialect    Dialect
	sealer     ports.Sealer
	writer     *bun.DB
	reader     *bun.DB
	engine     Engine
	queue      queue
	unreadable unreadable
	line       line
	recent     recentWants
	soloSlots  chan struct{} // has room for another operation that goes solo
	reconnect  func()
	unlisten   func()
	close      func() error
}

var _ ports.Store = (*Store)(nil)

// New returns the store of a database whose schema is up to date (see [Migrate]) and whose keys are available (see
// [CheckKeys]).
func New(config Config) *Store {
	store := &Store{
		dialect:   config.Dialect,
		sealer:    config.Sealer,
		writer:    config.Writer,
		reader:    config.Reader,
		engine:    config.Engine,
		soloSlots: make(chan struct{}, max(1, config.SoloSlots)),
		reconnect: config.Reconnect,
		close:     config.Close,
	}
	if store.reconnect == nil {
		store.reconnect = func() {}
	}
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

// listen wakes the line whenever listen says so.
func (s *Store) listen(listen func(context.Context, func())) {
	s.unlisten = func() {}
	if listen == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		listen(ctx, s.line.wake)
	}()
	s.unlisten = func() {
		cancel()
		<-ended
	}
}

// Ping implements [ports.Health].
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, "ping", func(ctx context.Context, db bun.IDB) error {
		_, err := db.NewSelect().Table("sealing_keys").ColumnExpr("1").Limit(1).Exec(ctx)
		return err
	})
}
