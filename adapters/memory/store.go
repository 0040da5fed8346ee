package memory

import (
	"context"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// Store implements [ports.Store]. It is safe for concurrent use: one mutex makes every method a transaction.
type Store struct {
	mu     sync.Mutex
	clock  clock
	users  *index
	rule   login.Rule
	logins map[account]domain.UserID
	ended  map[domain.LeaseDigest]domain.EndedLease // that lost a user or all
	calls  map[ledger.CallKey]call                  // that were carried out
	keys   []domain.APIKey                          // ascending by id

	sessions map[domain.UserID]domain.Session // the same as those of the users, and their texts
	projects projectNames

	line      line
	aside     aside
	lastPlace ledger.Place        // the highest that was given
	alarm     *time.Timer         // serves the line; nil if it can wait until something changes
	freed     []*domain.User      // that may be free, and that the line has not been served with
	sought    [][]domain.Selector // what users the line is to be served with, too
	lookedAt  time.Time           // up to when the line has been served with users whose locks expired

	history   history
	observers ports.Observers
	imports   map[domain.ImportKey]*staged
}

var _ ports.Store = (*Store)(nil)

// New returns an empty store. Logins that differ only in upper and lower case are the same to it.
func New() *Store { return NewWith(login.Rule{}) }

// NewWith returns an empty store that compares logins by a rule, and tells observers what it has recorded.
func NewWith(rule login.Rule, observers ...ports.Observer) *Store {
	return &Store{
		users:  newIndex(defaultLimits),
		rule:   rule,
		logins: make(map[account]domain.UserID),
		ended:  make(map[domain.LeaseDigest]domain.EndedLease),
		calls:  make(map[ledger.CallKey]call),
		line:   newLine(),
		aside:  newAside(),

		sessions: make(map[domain.UserID]domain.Session),
		projects: newProjectNames(),
		imports:  make(map[domain.ImportKey]*staged),

		observers: observers,
	}
}

// Ping implements [ports.Health].
func (s *Store) Ping(ctx context.Context) error { return ctx.Err() }

// begin starts a transaction, which the caller ends by unlocking the mutex unless there is an error. It returns the time
// at which all of the transaction happens.
func (s *Store) begin(ctx context.Context) (time.Time, error) {
	s.mu.Lock()
	if err := ctx.Err(); err != nil {
		s.mu.Unlock()
		return time.Time{}, err
	}
	return s.clock.now(), nil
}

// apply carries out an operation in a transaction of its own, and then serves the line.
func (s *Store) apply(ctx context.Context, operation ledger.Operation) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	l := ledger.Open(s.load(now, ledger.NeedsOf(0, operation)))
	if err = l.Apply(operation); err == nil {
		changes := l.Changes()
		err = l.Confirm(operation, s.write(changes))
		s.dismissHopeless(now, changes.Gone)
		s.look(changes.Freed, nil)
	}
	s.serve(now)
	return err
}
