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

// keyStore is a store that counts the reads of API keys. A read takes time, and the store can be unavailable.
type keyStore struct {
	ports.Store
	takes       time.Duration
	ahead       time.Duration // of the process's clock
	unavailable atomic.Bool
	reads       atomic.Int32
	notes       atomic.Int32
}

func (s *keyStore) ActiveKeys(ctx context.Context) (ports.ActiveKeys, error) {
	s.reads.Add(1)
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return ports.ActiveKeys{}, ctx.Err()
	}
	if s.unavailable.Load() {
		return ports.ActiveKeys{}, ports.ErrUnavailable
	}
	active, err := s.Store.ActiveKeys(ctx)
	active.Now = active.Now.Add(s.ahead)
	return active, err
}

func (s *keyStore) NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error {
	s.notes.Add(1)
	if s.unavailable.Load() {
		return ports.ErrUnavailable
	}
	return s.Store.NoteUses(ctx, uses)
}

// gateTest has a gate under test, its farm and its store.
type gateTest struct {
	t     *testing.T
	store *keyStore
	farm  *app.Farm
	gate  *app.Gate
}

func newGateTest(t *testing.T, open bool) *gateTest {
	store := &keyStore{Store: memory.New()}
	farm := mustNew(store, settings)
	return &gateTest{t: t, store: store, farm: farm, gate: app.NewGate(farm, open)}
}

func (e *gateTest) newKey(spec domain.KeySpec) (domain.KeyView, domain.Token) {
	e.t.Helper()
	before := e.store.reads.Load()
	key, token, err := e.farm.CreateKey(e.t.Context(), spec)
	if err != nil {
		e.t.Fatal(err)
	}
	e.store.reads.Store(before) // only the reads of the gate count
	return key, token
}

func (e *gateTest) wantAccepted(token domain.Token) {
	e.t.Helper()
	if _, _, err := e.gate.Enter(e.t.Context(), token); err != nil {
		e.t.Errorf("enter = %v, want nil", err)
	}
}

func (e *gateTest) wantRejected(token domain.Token) {
	e.t.Helper()
	e.wantError(token, domain.ErrUnauthorized)
}

func (e *gateTest) wantError(token domain.Token, want error) {
	e.t.Helper()
	caller, farm, err := e.gate.Enter(e.t.Context(), token)
	if !errors.Is(err, want) || farm != nil || !reflect.DeepEqual(caller, domain.Caller{}) {
		e.t.Errorf("enter = %+v, %v, %v; want only %v", caller, farm, err, want)
	}
}

func (e *gateTest) wantReads(want int32) {
	e.t.Helper()
	if got := e.store.reads.Swap(0); got != want {
		e.t.Errorf("the keys were read %d times, want %d", got, want)
	}
}

var (
	tester       = domain.KeySpec{Name: "ci", Role: domain.Tester}
	unknownToken = domain.NewToken()
	without      = domain.Token{}
)

func TestAFarmThatNeverHadAKeyIsOpenToEveryCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, true)
		caller, farm, err := e.gate.Enter(t.Context(), without)
		if err != nil || !reflect.DeepEqual(caller, domain.Everybody()) {
			t.Fatalf("enter = %+v, %v", caller, err)
		}
		if _, err := farm.CreateUser(t.Context(), spec("ann"), noKey); err != nil {
			t.Errorf("create = %v", err)
		}
		e.wantRejected(unknownToken) // a caller with a token expects that the farm has keys
	})
}

func TestAGateThatIsNotOpenRejectsCallersWithoutAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		e.wantRejected(without)
		e.wantReads(0)
		_, token := e.newKey(tester)
		e.wantRejected(without)
		e.wantAccepted(token)
	})
}

func TestTheFirstKeyClosesTheFarmForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, true)
		e.wantAccepted(without)
		if has, err := e.gate.HasKeys(t.Context()); has || err != nil {
			t.Errorf("has keys = %v, %v", has, err)
		}
		key, _ := e.newKey(tester)
		if has, err := e.gate.HasKeys(t.Context()); !has || err != nil {
			t.Errorf("has keys = %v, %v", has, err)
		}
		e.wantRejected(without)

		if _, err := e.farm.RevokeKey(t.Context(), key.ID, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		e.wantRejected(without)
		e.store.unavailable.Store(true)
		e.wantRejected(without)
		if has, err := e.gate.HasKeys(t.Context()); !has || err != nil {
			t.Errorf("with the store unavailable: has keys = %v, %v", has, err)
		}
	})
}

func TestAFirstKeyOfAnotherProcessClosesTheFarmWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, true)
		e.wantAccepted(without)
		e.newKey(tester)
		time.Sleep(time.Second)
		e.wantRejected(without)
	})
}

func TestAKeyAuthenticatesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
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
		if got := events(t, e.farm, ports.EventQuery{Login: "ann", Limit: 10}); len(got) != 1 || got[0].Key != key.ID || got[0].KeyName != "shop" {
			t.Errorf("events = %+v, want one by the key", got)
		}
	})
}

func TestARevokedKeyIsRejectedAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		key, token := e.newKey(tester)
		_, other := e.newKey(tester)
		e.wantAccepted(token)
		if _, err := e.farm.RevokeKey(t.Context(), key.ID, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		e.wantRejected(token)
		e.wantAccepted(other)
	})
}

func TestAKeyExpiresByTheStoresClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		e.store.ahead = time.Hour
		spec := tester
		spec.TTL = time.Hour + time.Minute
		_, token := e.newKey(spec)
		time.Sleep(time.Minute - time.Microsecond)
		e.wantAccepted(token)
		e.wantReads(1)
		time.Sleep(time.Microsecond)
		e.wantRejected(token)
		e.wantReads(0) // the time that has passed is known without a read
	})
}

func TestAKeyIsNotReadForEveryRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		_, token := e.newKey(tester)
		for range 100 { // they take 990 ms
			e.wantAccepted(token)
			time.Sleep(10 * time.Millisecond)
		}
		e.wantReads(1)
		e.wantAccepted(token)
		e.wantReads(1)
	})
}

func TestANewKeyOfAnotherProcessWorksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		_, old := e.newKey(tester)
		e.wantAccepted(old)
		_, token := e.newKey(tester)
		began := time.Now()
		e.wantAccepted(token)
		if waited := time.Since(began); waited > 100*time.Millisecond {
			t.Errorf("the caller waited for %v", waited)
		}
	})
}

func TestAReadThatBeganEarlierDoesNotRejectANewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		_, old := e.newKey(tester)
		stale, token := make(chan struct{}), domain.NewToken()
		e.store.Store = &hookedKeys{Store: e.store.Store, read: func() { <-stale }}
		go e.wantAccepted(old)
		synctest.Wait()
		if _, err := e.farm.AdmitFirst(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		go e.wantAccepted(token)
		synctest.Wait()
		close(stale)
		time.Sleep(time.Second)
		e.wantReads(2)
	})
}

// hookedKeys is a store that calls a function right after it has read the keys.
type hookedKeys struct {
	ports.Store
	read func()
}

func (s *hookedKeys) ActiveKeys(ctx context.Context) (ports.ActiveKeys, error) {
	active, err := s.Store.ActiveKeys(ctx)
	s.read()
	return active, err
}

func TestGuessingTokensCostsTenReadsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
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
			e.wantAccepted(token)
			if waited := time.Since(began); waited != 0 {
				t.Errorf("the caller with a key waited for %v", waited)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		e.wantReads(100)
	})
}

func TestConcurrentCallersCauseOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, true)
		e.store.takes = time.Second / 2
		_, token := e.newKey(tester)
		for range 20 {
			go e.wantAccepted(token)
			go e.wantRejected(without)
		}
		time.Sleep(time.Second)
		e.wantReads(1)
	})
}

func TestACallerThatLeavesDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		e.store.takes = time.Minute
		_, token := e.newKey(tester)
		ctx, cancel := context.WithCancel(t.Context())
		waiting, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{ctx, waiting} { // the first one reads, the second one waits for the read
			go func() {
				if _, _, err := e.gate.Enter(ctx, token); !errors.Is(err, context.Canceled) {
					t.Errorf("enter of the caller that left = %v", err)
				}
			}()
			synctest.Wait()
		}
		go e.wantAccepted(token)
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

func TestOldKeysAreNotUsedWhenTheStoreIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, true)
		e.wantAccepted(without)
		e.store.unavailable.Store(true)
		time.Sleep(time.Second)
		e.wantError(without, ports.ErrUnavailable)

		e.store.unavailable.Store(false)
		_, token := e.newKey(tester)
		e.wantAccepted(token)
		e.store.unavailable.Store(true)
		e.wantAccepted(token)
		time.Sleep(time.Second - time.Microsecond)
		e.wantAccepted(token)
		e.wantError(unknownToken, ports.ErrUnavailable)
		time.Sleep(time.Microsecond)
		e.wantError(token, ports.ErrUnavailable)
		e.store.unavailable.Store(false)
		e.wantAccepted(token)
	})
}

func TestConcurrentCallersShareTheErrorWhenTheStoreIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		e.store.takes = time.Second
		e.store.unavailable.Store(true)
		for range 20 {
			go e.wantError(unknownToken, ports.ErrUnavailable)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		e.wantReads(1)
	})
}

func TestAStoreThatPanicsDoesNotStopTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
		_, token := e.newKey(tester)
		panics := &hookedKeys{Store: e.store.Store, read: func() { panic("a bug") }}
		e.store.Store = panics
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the gate did not panic")
				}
			}()
			e.wantAccepted(token)
		}()
		panics.read = func() {}
		e.wantAccepted(token)
	})
}

func TestUsesOfKeysAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newGateTest(t, false)
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
		record(nil) // the key was not used
		e.wantAccepted(token)
		time.Sleep(500 * time.Millisecond)
		e.wantAccepted(token)
		at := time.Now()
		time.Sleep(time.Minute)
		e.store.unavailable.Store(true)
		record(ports.ErrUnavailable)
		if last := lastUse(used.ID); !last.IsZero() {
			t.Errorf("the key has the use at %v, but recording it failed", last)
		}
		e.store.unavailable.Store(false)
		for range 2 { // the second call has nothing to record
			record(nil)
		}
		if last := lastUse(used.ID); !last.Equal(at) {
			t.Errorf("the key was used at %v, want %v", last, at)
		}
		if last := lastUse(unused.ID); !last.IsZero() {
			t.Errorf("the other key was used at %v", last)
		}
		if notes := e.store.notes.Load(); notes != 2 {
			t.Errorf("NoteUses was called %d times, want twice", notes)
		}
		e.wantRejected(unknownToken)
		record(nil)
	})
}
