package bunstore

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// fakeEngine is an engine that keeps its rows in memory. A test can delay its transactions or let them fail. Its searches return
// all rows.
type fakeEngine struct {
	mu      sync.Mutex
	rows    map[domain.UserID]Row
	groups  []Ask     // one for each transaction that was begun
	written []Changes // one for each transaction that was committed
	looked  []bool    // one for each look: whether its transaction sees one moment

	wants [][]domain.Selector // of the waiters in line
	lost  bool                // whether the answers to commits are lost

	onBegin  func(Ask) error     // before a transaction begins
	onCommit func(Changes) error // before a commit, which fails with its error
}

func (e *fakeEngine) Begin(_ context.Context, ask Ask) (Transaction, Found, error) {
	if e.onBegin != nil {
		if err := e.onBegin(ask); err != nil {
			return nil, Found{}, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.groups = append(e.groups, ask)
	found := Found{Now: time.Now().UnixMicro(), Line: LineChanges{Since: EmptyLine, Alive: []ReplicaID{elsewhere}}}
	for i, want := range e.wants {
		found.Line.Changed = append(found.Line.Changed, Waiter{
			Place: int64(i) + 1, Replica: elsewhere, Want: want, Until: found.Now + time.Minute.Microseconds(),
		})
	}
	found.Free = e.search(ask.Searches)
	for _, id := range ask.Users {
		if row, ok := e.rows[id]; ok {
			found.Targets = append(found.Targets, row)
		}
	}
	return fakeTransaction{e, ask.OneMoment}, found, nil
}

// elsewhere is the process in which the waiters of a [fakeEngine] wait.
const elsewhere ReplicaID = 2

// fakeTransaction is a transaction of a [fakeEngine].
type fakeTransaction struct {
	*fakeEngine
	oneMoment bool
}

func (*fakeEngine) Crowds(context.Context, []int64) ([]Crowd, error) { return nil, nil }

func (*fakeEngine) Waiters(context.Context, int64, int) ([]Waiter, error) { return nil, nil }

func (tx fakeTransaction) Search(_ context.Context, searches []ledger.Search) ([][]Row, int64, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.search(searches), time.Now().UnixMicro(), nil
}

func (e *fakeEngine) search(searches []ledger.Search) [][]Row {
	found := make([][]Row, len(searches))
	for i := range searches {
		found[i] = slices.Collect(maps.Values(e.rows))
	}
	return found
}

func (fakeTransaction) Calls(context.Context, []ledger.CallKey, bool) ([]domain.Once, map[ledger.CallKey]struct{}, error) {
	return nil, nil, nil
}

func (tx fakeTransaction) Look(context.Context, domain.Selector, int, int) ([]Row, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.looked = append(tx.looked, tx.oneMoment)
	return slices.Collect(maps.Values(tx.rows)), nil
}

func (tx fakeTransaction) Commit(_ context.Context, changes Changes) (map[domain.UserID]bool, bool, error) {
	if tx.onCommit != nil {
		if err := tx.onCommit(changes); err != nil {
			return nil, false, err
		}
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	for _, m := range changes.Moved {
		row := tx.rows[m.UserID]
		row.Circulation = m.Circulation
		tx.rows[m.UserID] = row
	}
	tx.written = append(tx.written, changes)
	if tx.lost {
		return nil, true, io.ErrUnexpectedEOF
	}
	return nil, false, nil
}

func (fakeTransaction) Rollback() {}

// fakeSealer does not encrypt.
type fakeSealer struct{ ports.Sealer }

func (fakeSealer) Seal(_ domain.UserID, secret domain.Secret) ([]byte, string, error) {
	return []byte(secret.Reveal()), "key", nil
}

func (fakeSealer) Open(_ domain.UserID, sealed []byte) (domain.Secret, error) {
	if string(sealed) == "unreadable" {
		return domain.Secret{}, ports.ErrUnsealable
	}
	return domain.NewSecret(string(sealed)), nil
}

// newFakeEngine returns an engine with n free users, a store that uses it, and the ids of the users.
func newFakeEngine(n int) (*fakeEngine, *Store, []domain.UserID) {
	e := &fakeEngine{rows: make(map[domain.UserID]Row)}
	ids := make([]domain.UserID, n)
	for i := range ids {
		ids[i] = domain.NewUserID(time.Now())
		e.rows[ids[i]] = Row{UserID: ids[i], Secrets: Secrets{Password: []byte("pw")}, Labels: []byte("{}")}
	}
	return e, New(Config{Dialect: testDialect(), Sealer: fakeSealer{}, Engine: e}), ids
}

// holdCommit starts an update of a user. Its transaction waits in its commit until resume is called. Later commits return the
// result of then, unless then is nil.
func (e *fakeEngine) holdCommit(
	ctx context.Context, t *testing.T, s *Store, id domain.UserID, then func(Changes) error,
) (first <-chan error, resume func()) {
	t.Helper()
	arrived, release, answer := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	held := false
	e.onCommit = func(changes Changes) error {
		switch {
		case !held:
			held = true
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

func (e *fakeEngine) groupSizes() []int {
	e.mu.Lock()
	defer e.mu.Unlock()
	var sizes []int
	for _, ask := range e.groups {
		sizes = append(sizes, len(ask.Users))
	}
	return sizes
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// startUpdate calls Update for a user in the background, and returns once the operation waits in the queue.
func startUpdate(ctx context.Context, t *testing.T, s *Store, id domain.UserID, decide ports.Decide) <-chan error {
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
