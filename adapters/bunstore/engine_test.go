package bunstore

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// desk is an engine whose rows are in memory and whose transactions a test can hold up, or let fail. It has no searches.
type desk struct {
	mu      sync.Mutex
	rows    map[domain.UserID]Row
	groups  []Ask     // of the transactions that were begun
	written []Changes // by those that committed

	wants [][]domain.Selector // of those in line
	lost  bool                // the answers to commits are

	onBegin  func(Ask) error     // before a transaction begins
	onCommit func(Changes) error // before it commits; its error is the commit's
}

func (d *desk) Begin(_ context.Context, ask Ask) (Transaction, Found, error) {
	if d.onBegin != nil {
		if err := d.onBegin(ask); err != nil {
			return nil, Found{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups = append(d.groups, ask)
	found := Found{Now: time.Now().UnixMicro(), Wants: d.wants}
	for _, id := range ask.Users {
		if row, ok := d.rows[id]; ok {
			found.Targets = append(found.Targets, row)
		}
	}
	return sheet{d}, found, nil
}

// sheet is a transaction of a desk.
type sheet struct{ *desk }

func (*desk) Crowds(context.Context) ([]Crowd, error) { return nil, nil }

func (s sheet) Search(_ context.Context, searches []ledger.Search) ([][]Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([][]Row, len(searches))
	for i := range searches {
		for _, row := range s.rows {
			found[i] = append(found[i], row)
		}
	}
	return found, nil
}

func (sheet) Calls(context.Context, []ledger.CallKey, bool) ([]domain.Once, map[ledger.CallKey]struct{}, error) {
	return nil, nil, nil
}

func (sheet) Look(context.Context, domain.Selector, int, int) ([]Row, error) { return nil, nil }

func (s sheet) Commit(_ context.Context, changes Changes) (map[domain.UserID]bool, bool, error) {
	if s.onCommit != nil {
		if err := s.onCommit(changes); err != nil {
			return nil, false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range changes.Moved {
		row := s.rows[m.UserID]
		row.Circulation = m.Circulation
		s.rows[m.UserID] = row
	}
	s.written = append(s.written, changes)
	if s.lost {
		return nil, true, io.ErrUnexpectedEOF
	}
	return nil, false, nil
}

func (sheet) Rollback() {}

// openSealer seals nothing.
type openSealer struct{ ports.Sealer }

func (openSealer) Seal(_ domain.UserID, secret domain.Secret) ([]byte, string, error) {
	return []byte(secret.Reveal()), "key", nil
}

func (openSealer) Open(_ domain.UserID, sealed []byte) (domain.Secret, error) {
	if string(sealed) == "unreadable" {
		return domain.Secret{}, ports.ErrUnsealable
	}
	return domain.NewSecret(string(sealed)), nil
}

// newDesk returns a desk with n free users, and a store over it.
func newDesk(n int) (*desk, *Store, []domain.UserID) {
	d := &desk{rows: make(map[domain.UserID]Row)}
	ids := make([]domain.UserID, n)
	for i := range ids {
		ids[i] = domain.NewUserID(time.Now())
		d.rows[ids[i]] = Row{UserID: ids[i], Secrets: Secrets{Password: []byte("pw")}, Labels: []byte("{}")}
	}
	return d, New(Config{Dialect: testDialect(), Sealer: openSealer{}, Engine: d}), ids
}

// occupy begins an update of a user, whose transaction waits in its commit until goOn is called. then is what the commits
// after it say, unless it is nil.
func (d *desk) occupy(
	ctx context.Context, t *testing.T, s *Store, id domain.UserID, then func(Changes) error,
) (first <-chan error, goOn func()) {
	t.Helper()
	arrived, release, answer := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	occupied := false
	d.onCommit = func(changes Changes) error {
		switch {
		case !occupied:
			occupied = true
			close(arrived)
			<-release
			return nil
		case then != nil:
			return then(changes)
		default:
			return nil
		}
	}
	go func() {
		_, err := s.Update(ctx, ports.ByUser(id), lockOpen)
		answer <- err
	}()
	<-arrived
	return answer, func() { close(release) }
}

// lockOpen takes an open lock.
func lockOpen(now time.Time, users []*domain.User) error { return users[0].LockOpen(now, 0) }

func (d *desk) groupSizes() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sizes []int
	for _, ask := range d.groups {
		sizes = append(sizes, len(ask.Users))
	}
	return sizes
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// begin calls Update for a user in the background, and returns once it is in the queue, or deciding.
func begin(ctx context.Context, t *testing.T, s *Store, id domain.UserID, decide ports.Decide) <-chan error {
	t.Helper()
	before := s.queue.length()
	answer := make(chan error, 1)
	go func() {
		_, err := s.Update(ctx, ports.ByUser(id), decide)
		answer <- err
	}()
	for s.queue.length() == before {
		time.Sleep(time.Millisecond)
	}
	return answer
}
