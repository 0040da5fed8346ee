package bunstore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestAMirrorIsAsNewAsTheNewestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMirror()
		user := func(env string) *domain.User { return domain.Restore(domain.Snapshot{Pool: domain.Pool{Env: env}}) }
		stands := func(place int64, env string) Waiter {
			return Waiter{
				Place: place, Replica: elsewhere, Want: []domain.Selector{{Env: env}}, Until: time.Now().Add(time.Hour).UnixMicro(),
			}
		}
		wants := func(what string, envs ...string) {
			t.Helper()
			for _, env := range []string{"a", "b", "c"} {
				want := false
				for _, wanted := range envs {
					want = want || wanted == env
				}
				if m.wanted(time.Now(), user(env)) != want {
					t.Fatalf("%s: that %s is wanted is %v, want %v", what, env, !want, want)
				}
			}
		}
		see := func(began time.Time, since, version int64, changed ...Waiter) {
			m.see(LineChanges{Since: since, Version: version, Changed: changed, Alive: []ReplicaID{elsewhere}}, began)
		}
		began := time.Now()
		if m.since() != EmptyLine {
			t.Errorf("a new mirror reads what changed after %d, want everything", m.since())
		}
		see(began, EmptyLine, 5, stands(1, "a"), stands(2, "b"))
		wants("a first read", "a", "b")
		time.Sleep(time.Millisecond)
		see(time.Now(), 5, 7, Waiter{Place: 1, Away: true}, stands(3, "c"))
		wants("a read of changes", "b", "c")
		see(began, 5, 6, stands(1, "a"))
		wants("a read that began earlier and ended later", "b", "c")
		if m.since() != 7 {
			t.Errorf("it reads what changed after %d, want 7", m.since())
		}

		time.Sleep(mirrorAge + time.Millisecond)
		if m.since() != EmptyLine {
			t.Errorf("an old mirror reads what changed after %d, want everything", m.since())
		}
		see(time.Now(), EmptyLine, 9, stands(1, "a"))
		wants("a read of everything", "a")

		time.Sleep(time.Millisecond)
		see(time.Now(), 9, 3)
		if m.since() != EmptyLine {
			t.Errorf("after the database was set back, it reads what changed after %d, want everything", m.since())
		}
		see(time.Now(), EmptyLine, 3, stands(1, "b"))
		wants("a database that was set back", "b")
	})
}

func TestClaimsOfDeadProcessesAndThoseWhoseTimeIsUpWantNobody(t *testing.T) {
	now := time.UnixMicro(1_000_000)
	w := Waiter{Place: 1, Replica: elsewhere, Want: []domain.Selector{{}}, Until: now.UnixMicro()}
	m := newMirror()
	m.see(LineChanges{Since: EmptyLine, Version: 1, Changed: []Waiter{w}, Alive: []ReplicaID{elsewhere}}, time.Now())
	u := domain.Restore(domain.Snapshot{})
	if !m.wanted(now, u) || m.wanted(now.Add(time.Microsecond), u) {
		t.Error("a claim must want a user until its time is up, and no longer")
	}
	m.see(LineChanges{Since: 1, Version: 1}, time.Now())
	if m.wanted(now, u) {
		t.Error("a claim of a dead process wants a user")
	}
}

// A process knows of the claims that it has put in line before it reads the line again.
func TestAMirrorHasWhatItsProcessWrites(t *testing.T) {
	now := time.UnixMicro(1_000_000)
	const ours = elsewhere + 1
	u := domain.Restore(domain.Snapshot{})
	m := newMirror()
	m.see(LineChanges{Since: EmptyLine, Version: 1, Alive: []ReplicaID{elsewhere}}, time.Now())
	m.put([]Waiter{{Place: 1, Replica: ours, Want: []domain.Selector{{}}, Until: now.UnixMicro()}})
	if here, there := m.wantedBy(ours, now, []*domain.User{u}); len(here) != 1 || len(there) != 0 {
		t.Errorf("%d users are wanted here and %d elsewhere, want 1 and 0", len(here), len(there))
	}
	m.doubt()
	m.see(LineChanges{Since: 1, Version: 2}, time.Now()) // of a transaction that began before
	m.see(LineChanges{Since: m.since(), Version: 2}, time.Now())
	if here, _ := m.wantedBy(ours, now, []*domain.User{u}); len(here) != 0 {
		t.Error("a claim whose commit failed is in line")
	}
}

// A transaction that began with a mirror just young enough reads the changes before the store forgets any of them.
func TestAMirrorIsMadeAnewBeforeTheStoreForgetsWhatItMissed(t *testing.T) {
	if mirrorAge+operationTimeout >= GoneKept {
		t.Errorf("a mirror of %v, read by a transaction that takes %v, misses what the store keeps for %v", mirrorAge, operationTimeout, GoneKept)
	}
}
