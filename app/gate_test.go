package app_test

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keyStore is a store whose API keys take time to read, may be away, and are counted when they are read.
type keyStore struct {
	ports.Store
	takes time.Duration
	ahead time.Duration // of the process's clock
	away  atomic.Bool
	reads atomic.Int32
	notes atomic.Int32
}

func (s *keyStore) ActiveKeys(ctx context.Context) (ports.ActiveKeys, error) {
	s.reads.Add(1)
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return ports.ActiveKeys{}, ctx.Err()
	}
	if s.away.Load() {
		return ports.ActiveKeys{}, ports.ErrUnavailable
	}
	active, err := s.Store.ActiveKeys(ctx)
	active.Now = active.Now.Add(s.ahead)
	return active, err
}

func (s *keyStore) NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error {
	s.notes.Add(1)
	if s.away.Load() {
		return ports.ErrUnavailable
	}
	return s.Store.NoteUses(ctx, uses)
}

// entrance is a gate, and what is before and behind it.
type entrance struct {
	t     *testing.T
	store *keyStore
	farm  *app.Farm
	gate  *app.Gate
}

func newEntrance(t *testing.T, open bool) *entrance {
	store := &keyStore{Store: memory.New()}
	farm := mustNew(store, settings)
	return &entrance{t: t, store: store, farm: farm, gate: app.NewGate(farm, open)}
}

func (e *entrance) newKey(spec domain.KeySpec) (domain.KeyView, domain.Token) {
	e.t.Helper()
	before := e.store.reads.Load()
	key, token, err := e.farm.CreateKey(e.t.Context(), spec)
	if err != nil {
		e.t.Fatal(err)
	}
	e.store.reads.Store(before) // it is the gate's that are counted
	return key, token
}

func (e *entrance) wantIn(token domain.Token) {
	e.t.Helper()
	if _, _, err := e.gate.Enter(e.t.Context(), token); err != nil {
		e.t.Errorf("enter = %v, want to be let in", err)
	}
}

func (e *entrance) wantOut(token domain.Token) {
	e.t.Helper()
	e.wantError(token, domain.ErrUnauthorized)
}

func (e *entrance) wantError(token domain.Token, want error) {
	e.t.Helper()
	caller, farm, err := e.gate.Enter(e.t.Context(), token)
	if !errors.Is(err, want) || farm != nil || !reflect.DeepEqual(caller, domain.Caller{}) {
		e.t.Errorf("enter = %+v, %v, %v; want %v alone", caller, farm, err, want)
	}
}

func (e *entrance) wantReads(want int32) {
	e.t.Helper()
	if got := e.store.reads.Swap(0); got != want {
		e.t.Errorf("the keys were read %d times, want %d", got, want)
	}
}

var (
	tester  = domain.KeySpec{Name: "ci", Role: domain.Tester}
	nobodys = domain.NewToken()
	without = domain.Token{}
)

func TestAFarmThatNeverHadAKeyIsOpenToEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, true)
		caller, farm, err := e.gate.Enter(t.Context(), without)
		if err != nil || !reflect.DeepEqual(caller, domain.Everybody()) {
			t.Fatalf("enter = %+v, %v", caller, err)
		}
		if _, err := farm.CreateUser(t.Context(), spec("ann"), noKey); err != nil {
			t.Errorf("create = %v", err)
		}
		e.wantOut(nobodys) // who comes with a key believes that the farm has some
	})
}

func TestAGateThatIsNotOpenLetsNobodyInWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		e.wantOut(without)
		e.wantReads(0)
		_, token := e.newKey(tester)
		e.wantOut(without)
		e.wantIn(token)
	})
}

func TestTheFirstKeyClosesTheFarmForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, true)
		e.wantIn(without)
		if has, err := e.gate.HasKeys(t.Context()); has || err != nil {
			t.Errorf("has keys = %v, %v", has, err)
		}
		key, _ := e.newKey(tester)
		if has, err := e.gate.HasKeys(t.Context()); !has || err != nil {
			t.Errorf("has keys = %v, %v", has, err)
		}
		e.wantOut(without)

		if _, err := e.farm.RevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		e.wantOut(without)
		e.store.away.Store(true)
		e.wantOut(without)
		if has, err := e.gate.HasKeys(t.Context()); !has || err != nil {
			t.Errorf("with the store away: has keys = %v, %v", has, err)
		}
	})
}

func TestAFirstKeyThatIsMadeElsewhereClosesTheFarmWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, true)
		e.wantIn(without)
		e.newKey(tester)
		time.Sleep(time.Second)
		e.wantOut(without)
	})
}

func TestAKeyLetsItsHolderIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		limited := domain.KeySpec{Name: "shop", Role: domain.Admin, Scope: domain.Only(stage.ProjectID)}
		key, token := e.newKey(limited)
		e.newKey(tester)
		caller, farm, err := e.gate.Enter(t.Context(), token)
		want := domain.Caller{Key: key.ID, Name: "shop", Role: domain.Admin, Scope: domain.Only(stage.ProjectID)}
		if err != nil || !reflect.DeepEqual(caller, want) {
			t.Fatalf("enter = %+v, %v; want %+v", caller, err, want)
		}
		if _, err := farm.CreateUser(t.Context(), spec("ann"), noKey); err != nil {
			t.Fatal(err)
		}
		foreign := spec("bob")
		foreign.Pool.ProjectID = domain.ProjectID{2}
		if _, err := farm.CreateUser(t.Context(), foreign, noKey); !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("create out of scope = %v", err)
		}
		if got := events(t, e.farm, ports.EventQuery{Limit: 10}); len(got) != 1 || got[0].Key != key.ID || got[0].KeyName != "shop" {
			t.Errorf("events = %+v, want one by the key", got)
		}
	})
}

func TestARevokedKeyLetsNobodyInAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		key, token := e.newKey(tester)
		_, other := e.newKey(tester)
		e.wantIn(token)
		if _, err := e.farm.RevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		e.wantOut(token)
		e.wantIn(other)
	})
}

func TestAKeyExpiresByTheStoresClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		e.store.ahead = time.Hour
		spec := tester
		spec.TTL = time.Hour + time.Minute
		_, token := e.newKey(spec)
		time.Sleep(time.Minute - time.Microsecond)
		e.wantIn(token)
		e.wantReads(1)
		time.Sleep(time.Microsecond)
		e.wantOut(token)
		e.wantReads(0) // the time that has passed since says enough
	})
}

func TestAKeyIsNotReadForEveryRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		_, token := e.newKey(tester)
		for range 100 { // they take 990 ms
			e.wantIn(token)
			time.Sleep(10 * time.Millisecond)
		}
		e.wantReads(1)
		e.wantIn(token)
		e.wantReads(1)
	})
}

func TestAKeyThatIsMadeElsewhereWorksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		_, old := e.newKey(tester)
		e.wantIn(old)
		_, token := e.newKey(tester)
		began := time.Now()
		e.wantIn(token)
		if waited := time.Since(began); waited > 100*time.Millisecond {
			t.Errorf("it waited for %v", waited)
		}
	})
}

func TestAReadThatWasUnderWayBeforeDoesNotTellThatAKeyIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		_, old := e.newKey(tester)
		stale, token := make(chan struct{}), domain.NewToken()
		e.store.Store = &meddledKeys{Store: e.store.Store, read: func() { <-stale }}
		go e.wantIn(old)
		synctest.Wait()
		if _, err := e.farm.AdmitFirst(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		go e.wantIn(token)
		synctest.Wait()
		close(stale)
		time.Sleep(time.Second)
		e.wantReads(2)
	})
}

// meddledKeys is a store in which something happens right after the keys were read.
type meddledKeys struct {
	ports.Store
	read func()
}

func (m *meddledKeys) ActiveKeys(ctx context.Context) (ports.ActiveKeys, error) {
	active, err := m.Store.ActiveKeys(ctx)
	m.read()
	return active, err
}

func TestGuessingTokensCostsTenReadsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		_, token := e.newKey(tester)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second-time.Millisecond)
		defer cancel()
		for range 20 {
			go func() {
				for ctx.Err() == nil {
					_, _, err := e.gate.Enter(ctx, domain.NewToken())
					if !errors.Is(err, domain.ErrUnauthorized) && ctx.Err() == nil {
						t.Errorf("a guess = %v", err)
					}
				}
			}()
		}
		for ctx.Err() == nil {
			began := time.Now()
			e.wantIn(token)
			if waited := time.Since(began); waited != 0 {
				t.Errorf("who has a key waited for %v", waited)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		e.wantReads(100)
	})
}

func TestManyWhoComeAtOnceCauseOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, true)
		e.store.takes = time.Second / 2
		_, token := e.newKey(tester)
		for range 20 {
			go e.wantIn(token)
			go e.wantOut(without)
		}
		time.Sleep(time.Second)
		e.wantReads(1)
	})
}

func TestWhoeverGoesDoesNotTakeOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		e.store.takes = time.Minute
		_, token := e.newKey(tester)
		ctx, cancel := context.WithCancel(t.Context())
		waiting, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{ctx, waiting} { // the first reads, the second waits for it
			go func() {
				if _, _, err := e.gate.Enter(ctx, token); !errors.Is(err, context.Canceled) {
					t.Errorf("enter by who goes = %v", err)
				}
			}()
			synctest.Wait()
		}
		go e.wantIn(token)
		synctest.Wait()
		e.wantReads(1)
		leave()
		synctest.Wait()
		e.wantReads(0)
		cancel()
		synctest.Wait()
		e.wantReads(1)
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

func TestNobodyIsLetInByWhatIsOldWhenTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, true)
		e.wantIn(without)
		e.store.away.Store(true)
		time.Sleep(time.Second)
		e.wantError(without, ports.ErrUnavailable)

		e.store.away.Store(false)
		_, token := e.newKey(tester)
		e.wantIn(token)
		e.store.away.Store(true)
		e.wantIn(token)
		time.Sleep(time.Second - time.Microsecond)
		e.wantIn(token)
		e.wantError(nobodys, ports.ErrUnavailable)
		time.Sleep(time.Microsecond)
		e.wantError(token, ports.ErrUnavailable)
		e.store.away.Store(false)
		e.wantIn(token)
	})
}

func TestManyWhoComeWhenTheStoreIsAwayAreAnsweredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		e.store.takes = time.Second
		e.store.away.Store(true)
		for range 20 {
			go e.wantError(nobodys, ports.ErrUnavailable)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		e.wantReads(1)
	})
}

func TestAStoreThatPanicsDoesNotStopTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		_, token := e.newKey(tester)
		panics := &meddledKeys{Store: e.store.Store, read: func() { panic("a bug") }}
		e.store.Store = panics
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			e.wantIn(token)
		}()
		panics.read = func() {}
		e.wantIn(token)
	})
}

func TestUsesOfKeysAreWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t, false)
		used, token := e.newKey(tester)
		unused, _ := e.newKey(tester)
		lastUse := func(id domain.APIKeyID) time.Time {
			t.Helper()
			key, err := e.farm.Key(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return key.LastUsedAt
		}
		record := func(want error) {
			t.Helper()
			if err := e.gate.RecordUses(t.Context()); !errors.Is(err, want) {
				t.Errorf("record = %v, want %v", err, want)
			}
		}
		record(nil) // nobody came
		e.wantIn(token)
		time.Sleep(500 * time.Millisecond)
		e.wantIn(token)
		at := time.Now()
		time.Sleep(time.Minute)
		e.store.away.Store(true)
		record(ports.ErrUnavailable)
		if last := lastUse(used.ID); !last.IsZero() {
			t.Errorf("it was used at %v, before that was written down", last)
		}
		e.store.away.Store(false)
		for range 2 { // the second time there is nothing new
			record(nil)
		}
		if last := lastUse(used.ID); !last.Equal(at) {
			t.Errorf("it was used at %v, want %v", last, at)
		}
		if last := lastUse(unused.ID); !last.IsZero() {
			t.Errorf("the other was used at %v", last)
		}
		if notes := e.store.notes.Load(); notes != 2 {
			t.Errorf("the store was asked to note uses %d times, want twice", notes)
		}
		e.wantOut(nobodys)
		record(nil)
	})
}
