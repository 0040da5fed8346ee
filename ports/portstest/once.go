package portstest

import (
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var onceTests = []storeTest{
	{"counts a claim that changes nothing as carried out", onceWithoutChange},
	{"answers a repeated claim with the outcome of the first, and locks no user", onceClaim},
	{"answers a repeated claim also if no user is free", onceBusy},
	{"rejects another request with the same key", onceMismatch},
	{"does not remember a claim that was refused", onceRefused},
	{"carries out one of many equal claims", onceRace},
	{"carries out one of the equal claims in line", onceLine},
	{"adds users once", onceAdd},
	{"does not remember an addition that failed", onceAddRefused},
	{"adds one of many equal batches", onceAddRace},
	{"rejects all equal additions of a login that is taken", onceAddTaken},
	{"forgets a call exactly when it is old enough", onceForgotten},
	{"forgets no younger call, whatever else it forgets", onceKept},
	{"keeps calls over a restart", onceRestart},
}

var errDecide = errors.New("decide refuses")

// once describes a call with a key. Each call has a different outcome.
func (f *farm) once(key, request string) domain.Once {
	f.Helper()
	k, err := domain.NewIdempotencyKey(key)
	f.must(err)
	return k.Once("a test", request, domain.NewNonce())
}

// claimOnce acquires a lease and does not wait.
func (f *farm) claimOnce(once domain.Once, want ...domain.Selector) error {
	_, err := f.carryOut(f.Context(), ports.Claim{Want: want, Once: once})
	return err
}

// wantRepeated fails the test unless err says that the call was carried out before, with this outcome.
func (f *farm) wantRepeated(err error, first domain.Once) {
	f.Helper()
	repeated, ok := errors.AsType[*domain.RepeatedError](err)
	if !ok || repeated.Outcome != first.Outcome {
		f.Fatalf("got error %v, want the outcome of the first call", err)
	}
}

func onceClaim(f *farm) {
	f.addMany(3)
	first, other := f.once("key", "request"), f.once("other key", "request")
	f.must(f.claimOnce(first, anyone))
	f.must(f.claimOnce(other, anyone))
	for range 3 {
		_, err := f.store.Claim(f.Context(), ports.Claim{
			Want: []domain.Selector{anyone}, Once: f.once("key", "request"), Decide: f.undecided,
		})
		f.wantRepeated(err, first)
	}
	f.wantRepeated(f.claimOnce(f.once("other key", "request"), anyone), other)
	if free := f.list(ports.Query{Status: domain.Free}); len(free) != 1 {
		f.Fatalf("%d users are free, want 1", len(free))
	}
	f.must(f.claimOnce(domain.Once{}, anyone))
}

func onceBusy(f *farm) {
	u := f.add()
	first := f.once("key", "request")
	f.must(f.claimOnce(first, anyone))
	f.wantRepeated(f.claimOnce(f.once("key", "request"), anyone), first)
	_, err := f.start(ports.Claim{Want: []domain.Selector{anyone}, Wait: domain.MaxWait, Once: f.once("key", "request")}).end()
	f.wantRepeated(err, first)
	f.wantErr("another request", f.claimOnce(f.once("key", "other"), anyone), domain.ErrIdempotencyMismatch)

	f.must(f.forceRelease(u.ID()))
	f.must(f.remove(u.ID()))
	f.wantRepeated(f.claimOnce(f.once("key", "request"), anyone), first)
}

func onceMismatch(f *farm) {
	f.addMany(2)
	first := f.once("key", "request")
	f.must(f.claimOnce(first, anyone))
	_, err := f.store.Claim(f.Context(), ports.Claim{
		Want: []domain.Selector{anyone}, Once: f.once("key", "another request"), Decide: f.undecided,
	})
	f.wantErr("another request", err, domain.ErrIdempotencyMismatch)
	f.wantRepeated(f.claimOnce(f.once("key", "request"), anyone), first)
}

func onceRefused(f *farm) {
	f.wantErr("claim that matches no user", f.claimOnce(f.once("key", "request"), anyone), domain.ErrNoMatch)
	u := f.add()
	f.must(f.lockOpen(u.ID(), 0))
	f.wantErr("claim of a locked user", f.claimOnce(f.once("key", "request"), anyone), domain.ErrPoolExhausted)
	w := f.standFor(ports.Claim{Want: []domain.Selector{anyone}, Wait: time.Second, Once: f.once("key", "request")})
	f.advance(time.Second)
	_, err := w.end()
	f.wantErr("waiting without success", err, domain.ErrPoolExhausted)
	f.must(f.releaseOpen(u.ID()))
	_, err = f.store.Claim(f.Context(), ports.Claim{
		Want: []domain.Selector{anyone}, Once: f.once("key", "request"),
		Decide: func(time.Time, []*domain.User) error { return errDecide },
	})
	f.wantErr("a claim whose decide refuses", err, errDecide)

	first := f.once("key", "another request")
	f.must(f.claimOnce(first, anyone))
	f.wantRepeated(f.claimOnce(f.once("key", "another request"), anyone), first)
	f.wantFence(u.ID(), 2)
}

func onceRace(f *farm) {
	const n = 8
	f.addMany(n)
	calls := make([]domain.Once, n)
	for i := range calls {
		calls[i] = f.once("key", "request")
	}
	errs := together(n, func(i int) error { return f.claimOnce(calls[i], anyone) })
	f.wantOneCarriedOut(calls, errs)
	if free := f.list(ports.Query{Status: domain.Free}); len(free) != n-1 {
		f.Fatalf("%d users are free, want all but one of %d", len(free), n)
	}
}

func onceLine(f *farm) {
	u := f.add()
	held := f.acquire(anyone)
	calls := []domain.Once{f.once("key", "request"), f.once("key", "request"), f.once("key", "other"), f.once("key", "request")}
	line := make([]*waiter, len(calls))
	for i, once := range calls {
		line[i] = f.standFor(ports.Claim{Want: []domain.Selector{anyone}, Wait: domain.MaxWait, Once: once})
	}
	f.must(f.release(held.ID))
	line[0].served()
	for _, i := range []int{1, 3} {
		_, err := line[i].end()
		f.wantRepeated(err, calls[0])
	}
	_, err := line[2].end()
	f.wantErr("another request", err, domain.ErrIdempotencyMismatch)
	f.wantFence(u.ID(), 2)
	f.shrinks(1)
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1})
}

func onceAdd(f *farm) {
	first := f.once("key", "request")
	u, v := f.build(), f.build()
	f.must(f.store.Add(f.Context(), first, u, v))
	// A repeated call adds the same login. That is no reason to reject it.
	for _, again := range []*domain.User{u, f.build(withLogin(u.Snapshot().Login)), f.build()} {
		f.wantRepeated(f.store.Add(f.Context(), f.once("key", "request"), again), first)
	}
	f.wantErr("another request", f.store.Add(f.Context(), f.once("key", "other"), f.build()), domain.ErrIdempotencyMismatch)
	f.wantIDs("list", f.list(ports.Query{}), sorted([]*domain.User{u, v}))
}

func onceAddRefused(f *farm) {
	u := f.add()
	twin := f.build(withLogin(u.Snapshot().Login))
	f.wantErr("adding a login twice", f.store.Add(f.Context(), f.once("key", "request"), twin), domain.ErrUserExists)
	first := f.once("key", "another request")
	f.must(f.store.Add(f.Context(), first, f.build()))
	f.wantRepeated(f.store.Add(f.Context(), f.once("key", "another request"), f.build()), first)
}

func onceAddTaken(f *farm) {
	const n = 8
	f.add(withLogin("taken"))
	users := make([]*domain.User, n)
	for i := range users {
		users[i] = f.build(withLogin("taken"))
	}
	once := f.once("key", "request")
	for _, err := range together(n, func(i int) error { return f.store.Add(f.Context(), once, users[i]) }) {
		f.wantErr("adding a login that is taken", err, domain.ErrUserExists)
	}
}

func onceAddRace(f *farm) {
	const n = 8
	calls, users := make([]domain.Once, n), make([]*domain.User, n)
	for i := range calls {
		calls[i], users[i] = f.once("key", "request"), f.build(withLogin("one"))
	}
	errs := together(n, func(i int) error { return f.store.Add(f.Context(), calls[i], users[i]) })
	f.wantOneCarriedOut(calls, errs)
	f.wantIDs("list", f.list(ports.Query{}), []domain.UserID{users[slices.Index(errs, nil)].ID()})
}

func onceForgotten(f *farm) {
	f.add()
	claimed, added := f.once("key of a claim", "request"), f.once("key of an add", "request")
	f.must(f.claimOnce(claimed, anyone))
	f.must(f.store.Add(f.Context(), added, f.build()))
	f.advance(domain.IdempotencyWindow - instant)
	f.wantRepeated(f.claimOnce(f.once("key of a claim", "request"), anyone), claimed)
	f.wantRepeated(f.store.Add(f.Context(), f.once("key of an add", "request"), f.build()), added)

	f.advance(2 * instant)
	claimed, added = f.once("key of a claim", "another request"), f.once("key of an add", "another request")
	f.must(f.claimOnce(claimed, anyone))
	f.must(f.store.Add(f.Context(), added, f.build()))
	f.wantRepeated(f.claimOnce(f.once("key of a claim", "another request"), anyone), claimed)
	f.wantRepeated(f.store.Add(f.Context(), f.once("key of an add", "another request"), f.build()), added)
}

func onceKept(f *farm) {
	f.addMany(2)
	first := f.once("key", "request")
	f.must(f.claimOnce(first, anyone))
	f.advance(domain.IdempotencyWindow - instant)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	f.wantRepeated(f.claimOnce(f.once("key", "request"), anyone), first)
	f.advance(2 * instant)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: 1000 * time.Hour, Events: 1000 * time.Hour}))
	f.must(f.claimOnce(f.once("key", "another request"), anyone))
}

func onceRestart(f *farm) {
	f.addMany(2)
	claimed, added := f.once("key of a claim", "request"), f.once("key of an add", "request")
	f.must(f.claimOnce(claimed, anyone))
	f.must(f.store.Add(f.Context(), added, f.build()))
	f.restart()
	f.wantRepeated(f.claimOnce(f.once("key of a claim", "request"), anyone), claimed)
	f.wantRepeated(f.store.Add(f.Context(), f.once("key of an add", "request"), f.build()), added)
	f.wantErr("another request", f.claimOnce(f.once("key of a claim", "other"), anyone), domain.ErrIdempotencyMismatch)
}

// wantOneCarriedOut fails the test unless one of the calls was carried out, and the others got its outcome.
func (f *farm) wantOneCarriedOut(calls []domain.Once, errs []error) {
	f.Helper()
	first := slices.Index(errs, nil)
	if first < 0 {
		f.Fatalf("no call was carried out: %v", errors.Join(errs...))
	}
	for i, err := range errs {
		if i != first {
			f.wantRepeated(err, calls[first])
		}
	}
}

func onceWithoutChange(f *farm) {
	f.add()
	first := f.once("key", "request")
	attempt := func(once domain.Once) error {
		_, err := f.store.Claim(f.Context(), ports.Claim{
			Want: []domain.Selector{anyone}, Once: once, Decide: func(time.Time, []*domain.User) error { return nil },
		})
		return err
	}
	f.must(attempt(first))
	f.wantRepeated(attempt(f.once("key", "request")), first)
}
