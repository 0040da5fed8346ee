package memory

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Store implements [ports.Store]. It is safe for concurrent use: one mutex makes every method a transaction.
type Store struct {
	mu     sync.Mutex
	clock  clock
	users  []*domain.User // ascending by id; replaced, never changed
	logins map[login]struct{}
	ended  map[domain.LeaseDigest]endedLease // that lost a user or all
	calls  map[callKey]call                  // that were carried out
	keys   []domain.APIKey                   // ascending by id

	line  []*waiter
	alarm *time.Timer // serves the line; nil if it can wait until something changes

	history []ports.RecordedEvent // ascending by id
	latest  ports.EventID
}

var _ ports.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		logins: make(map[login]struct{}),
		ended:  make(map[domain.LeaseDigest]endedLease),
		calls:  make(map[callKey]call),
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

// search returns where the user with this id is, or would be.
func (s *Store) search(id domain.UserID) (int, bool) {
	return slices.BinarySearchFunc(s.users, id, func(u *domain.User, id domain.UserID) int {
		have := u.ID()
		return bytes.Compare(have[:], id[:])
	})
}

// write lets decide change copies of users and, if it agrees, keeps them. It returns the copies.
func (s *Store) write(now time.Time, users []*domain.User, decide ports.Decide) ([]*domain.User, error) {
	changed := copies(users)
	if err := decide(now, changed); err != nil {
		return nil, err
	}
	s.record(now, changed)
	for i, u := range copies(changed) {
		at, _ := s.search(u.ID())
		s.users[at] = u
		s.noteEnd(now, users[i], u)
	}
	return changed, nil
}

func copies(users []*domain.User) []*domain.User {
	copied := make([]*domain.User, len(users))
	for i, u := range users {
		copied[i] = u.Clone()
	}
	return copied
}
