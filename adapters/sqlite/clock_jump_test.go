package sqlite

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

// openBy opens a new store with a clock that the test controls.
func openBy(t testing.TB, now func() int64) *bunstore.Store {
	t.Helper()
	keys, err := sealing.NewKeyRing(bytes.Repeat([]byte{1}, sealing.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	db, err := open(context.Background(), filepath.Join(t.TempDir(), "users.db"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.storeBy(context.Background(), keys, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// As over restarts, between which the machine's clock is set.
func TestAClockThatJumpsGrantsNoUserTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		portstest.TestJumpingClock(t, func(t testing.TB) portstest.Subject {
			var now atomic.Int64
			now.Store(time.Now().UnixMicro())
			return portstest.Subject{
				Store:   openBy(t, now.Load),
				Advance: func(d time.Duration) { now.Add(d.Microseconds()) },
			}
		})
	})
}

// machine has the clocks of a machine: wall can be set, and elapsed only goes forward.
type machine struct {
	mu      sync.Mutex
	clock   clock
	wall    time.Time
	elapsed time.Duration // since the clock was last read
}

func (m *machine) now() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := m.clock.tell(m.wall, m.elapsed)
	m.elapsed = 0
	return told.UnixMicro()
}

func (m *machine) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall, m.elapsed = m.wall.Add(d), m.elapsed+d
}

func (m *machine) set(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall = m.wall.Add(d)
}

// While a process runs, a lease lasts for as long as its holder was told when the wall clock is set back, and its user is free
// afterwards. When the wall clock is set forward, the lease ends that much sooner.
func TestALeaseLastsForItsTimeWhenTheWallClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{wall: time.Now().UTC().Round(0)}
		store := openBy(t, m.now)
		addOne(t, store, "ann", m.wall)
		want := func(want error) {
			t.Helper()
			if err := acquire(t, store, domain.NewLeaseID()); !errors.Is(err, want) {
				t.Fatalf("acquire = %v, want %v", err, want)
			}
		}
		want(nil)
		for _, back := range []time.Duration{time.Microsecond, time.Hour, 30 * 24 * time.Hour, 0} {
			m.pass(20 * time.Second)
			want(domain.ErrPoolExhausted)
			m.set(-back)
			m.pass(40*time.Second - time.Microsecond)
			want(domain.ErrPoolExhausted)
			m.pass(time.Microsecond)
			want(nil)
		}
		m.set(60 * 24 * time.Hour)
		want(nil)
	})
}

// As deployments/README.md says of a clock that is set back before a restart.
func TestWhatAClockThatWasSetBackDoesToLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Int64
		now.Store(time.Now().UnixMicro())
		store := openBy(t, now.Load)
		addOne(t, store, "ann", time.UnixMicro(now.Load()).UTC())
		first, second := domain.NewLeaseID(), domain.NewLeaseID()
		wantErr := func(what string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Fatalf("%s = %v, want %v", what, err, want)
			}
		}
		set := func(d time.Duration) { now.Add(d.Microseconds()) }
		end := func(id domain.LeaseID) error {
			_, err := store.Update(t.Context(), ports.ByLease(id.Digest()), func(now time.Time, users []*domain.User) error {
				return domain.Release(now, id, users)
			})
			return err
		}
		wantErr("acquire", acquire(t, store, first), nil)
		set(time.Minute)
		wantErr("release of a lease that has expired", end(first), domain.ErrLeaseExpired)
		set(-time.Microsecond)
		wantErr("acquire, when it has not expired again", acquire(t, store, second), domain.ErrPoolExhausted)
		wantErr("release, when it has not expired again", end(first), nil)
		set(-30 * time.Second)
		wantErr("acquire before the time of its release", acquire(t, store, second), nil)
		wantErr("release", end(first), domain.ErrLeaseExpired)

		// A search overlooks a user that was released in the time to come if leases of its pool are valid again.
		addOne(t, store, "bob", time.UnixMicro(now.Load()).UTC())
		third := domain.NewLeaseID()
		set(65 * time.Second)
		wantErr("acquire", acquire(t, store, third), nil)
		wantErr("release", end(third), nil)
		set(-65 * time.Second)
		wantErr("acquire before the time of its release", acquire(t, store, third), domain.ErrPoolExhausted)
		set(65 * time.Second)
		wantErr("acquire at the time of its release", acquire(t, store, third), nil)
	})
}

// addOne adds a user to a store.
func addOne(t *testing.T, store ports.Users, login string, now time.Time) {
	t.Helper()
	user, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
		Login: login, Password: domain.NewSecret("hunter2"),
		Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "shop"},
	})
	if err == nil {
		err = store.Add(t.Context(), domain.Once{}, user)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// acquire acquires any user for a minute.
func acquire(t *testing.T, store ports.Users, id domain.LeaseID) error {
	t.Helper()
	_, err := store.Claim(t.Context(), ports.Claim{Want: []domain.Selector{{}}, Decide: func(now time.Time, users []*domain.User) error {
		_, err := domain.Grant(now, id, domain.Terms{TTL: time.Minute}, users)
		return err
	}})
	return err
}
