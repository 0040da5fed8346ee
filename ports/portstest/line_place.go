package portstest

import (
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var linePlaceTests = []storeTest{
	{"gives a claim that asks again with the same key its old place", placeKept},
	{"keeps the place of a claim whose caller left", placeOfLeaver},
	{"gives the place to a claim that asks again before the first one has ended", placeTakenOver},
	{"keeps a place over several waits", placeKeptAgain},
	{"gives the place of several users back", placeOfBatch},
	{"passes over a claim while it is away", placePassedOver},
	{"counts no claim that is away", placeNotCounted},
	{"keeps a place for half a minute and no longer", placeLost},
	{"keeps a place while old data is forgotten", placeNotForgotten},
	{"keeps the place of a claim that also asks without a wait", placeKeptWithoutWait},
	{"keeps the place of a claim that no user could satisfy for a moment", placeKeptWithoutMatch},
	{"gives back the place of a claim of any kind", placeOfAnyWant},
	{"gives a claim the first of its places", placeFirst},
	{"reserves no user for a claim of several users while it is away", placeReservesNothing},
	{"gives a claim that comes back users that were added while it was away", placeOfNewUsers},
	{"keeps no place without a key", placeWithoutKey},
	{"gives the place to no other call", placeOfAnotherCall},
	{"gives the place to no other request with the same key", placeOfAnotherRequest},
	{"gives the place to no claim that wants something else", placeOfAnotherWant},
	{"grants a call once, however often it stands in line", placeOnce},
	{"answers a claim that was served at its old place, and asks again, with what it got", placeRepeated},
}

// patientFor returns a claim of any user that waits for so long.
func (f *farm) patientFor(wait time.Duration, key string) ports.Claim {
	return ports.Claim{Want: []domain.Selector{anyone}, Wait: wait, Once: f.once(key, "request")}
}

// standAway lets a claim stand in line for a second, in vain.
func (f *farm) standAway(key string) {
	f.Helper()
	before := f.waiting()
	w := f.standFor(f.patientFor(time.Second, key))
	f.advance(time.Second)
	_, err := w.end()
	f.wantErr("a claim whose time is up", err, domain.ErrPoolExhausted)
	f.shrinks(before + 1)
}

func placeKept(f *farm) {
	u := f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	f.advanceInLine(10 * time.Second)
	first := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	f.wantUsers(first.served(), u)
	f.wantWaiting(second)
}

func placeOfLeaver(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standFor(f.patientFor(domain.MaxWait, "a")).leaveNow()
	second := f.stand(anyone)
	first := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	first.served()
	f.wantWaiting(second)
}

func placeTakenOver(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	given := f.standFor(f.patientFor(10*time.Second, "a"))
	second := f.stand(anyone)
	again := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.advance(10 * time.Second)
	_, err := given.end()
	f.wantErr("the claim whose time is up", err, domain.ErrPoolExhausted)
	f.must(f.release(held.ID))
	again.served()
	f.wantWaiting(second)
}

func placeKeptAgain(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	for range 3 {
		again := f.standFor(f.patientFor(time.Second, "a"))
		f.advance(time.Second)
		_, err := again.end()
		f.wantErr("a claim whose time is up", err, domain.ErrPoolExhausted)
		f.shrinks(2)
		f.advanceInLine(2 * time.Second)
	}
	first := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	first.served()
	f.wantWaiting(second)
}

func placeOfBatch(f *farm) {
	f.addMany(2)
	one, other := f.acquireFor(time.Hour, anyone), f.acquireFor(time.Hour, anyone)
	batch := ports.Claim{Want: times(2, anyone), Wait: domain.MaxWait, Once: f.once("a", "request")}
	f.standFor(batch).leaveNow()
	second := f.stand(anyone)
	first := f.standFor(batch)
	f.must(f.release(one.ID))
	f.wantWaiting(first, second)
	f.must(f.release(other.ID))
	first.served()
	f.wantWaiting(second)
}

func placePassedOver(f *farm) {
	u := f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	f.must(f.release(held.ID))
	lease := second.served()
	f.must(f.release(lease.ID))
	f.wantUsers(f.acquire(anyone), u)
}

func placeNotCounted(f *farm) {
	u := f.add()
	f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	f.wantCounts(domain.PoolCount{Pool: u.Snapshot().Pool, Total: 1, Locked: 1})
}

func placeLost(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	for _, test := range []struct {
		key  string
		away time.Duration
		kept bool
	}{
		{"a", domain.PlaceKept - time.Second, true},
		{"b", domain.PlaceKept, false},
		{"c", domain.PlaceKept + time.Second, false},
	} {
		f.standAway(test.key)
		other := f.stand(anyone)
		f.advanceInLine(test.away)
		again := f.standFor(f.patientFor(domain.MaxWait, test.key))
		first, second := other, again
		if test.kept {
			first, second = again, other
		}
		f.must(f.release(held.ID))
		lease := first.served()
		f.wantWaiting(second)
		f.must(f.release(lease.ID))
		held = second.served()
	}
}

func placeKeptWithoutWait(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	for range 2 {
		_, err := f.start(f.patientFor(0, "a")).end()
		f.wantErr("a claim that does not wait", err, domain.ErrPoolExhausted)
	}
	first := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	first.served()
	f.wantWaiting(second)
}

func placeKeptWithoutMatch(f *farm) {
	u := f.add(withRole("admin"))
	f.acquireFor(time.Hour, anyone)
	claim := ports.Claim{Want: []domain.Selector{role("admin")}, Wait: domain.MaxWait, Once: f.once("a", "request")}
	dismissed := f.standFor(claim)
	relabel := func(role string) {
		f.must(f.update(u.ID(), func(now time.Time, u *domain.User) error {
			return u.Change(now, domain.Change{Labels: &domain.Labels{"role": role}})
		}))
	}
	relabel("plain")
	_, err := dismissed.end()
	f.wantErr("a claim that no user matches anymore", err, domain.ErrNoMatch)
	f.shrinks(1)
	_, err = f.start(claim).end()
	f.wantErr("a claim that no user matches", err, domain.ErrNoMatch)

	relabel("admin")
	second := f.stand(role("admin"))
	first := f.standFor(claim)
	f.must(f.forceRelease(u.ID()))
	first.served()
	f.wantWaiting(second)
}

func placeOfAnyWant(f *farm) {
	u := f.add(withRole("admin"))
	pool := u.Pool()
	held := f.acquireFor(time.Hour, anyone)
	for i, want := range []domain.Selector{
		named(u),
		role("admin"),
		{ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain},
		anyone.In(domain.Only(projectA, projectB)),
		named(u).In(domain.Only(projectA)),
		{Labels: domain.Labels{}},
	} {
		claim := ports.Claim{Want: []domain.Selector{want}, Wait: domain.MaxWait, Once: f.once(fmt.Sprint("key ", i), "request")}
		f.standFor(claim).leaveNow()
		second := f.stand(anyone)
		first := f.standFor(claim)
		f.must(f.release(held.ID))
		lease := first.served()
		f.wantWaiting(second)
		f.must(f.release(lease.ID))
		held = second.served()
	}
}

func placeFirst(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	claim := f.patientFor(domain.MaxWait, "a")
	ahead := f.standFor(claim)
	second := f.stand(anyone)
	behind := f.standFor(claim)
	behind.leaveNow()
	ahead.leaveNow()
	first := f.standFor(claim)
	f.must(f.release(held.ID))
	first.served()
	f.wantWaiting(second)
}

func placeReservesNothing(f *farm) {
	f.addMany(2)
	one, _ := f.acquireFor(time.Hour, anyone), f.acquireFor(time.Hour, anyone)
	batch := f.standFor(ports.Claim{Want: times(2, anyone), Wait: domain.MaxWait, Once: f.once("a", "request")})
	single := f.stand(anyone)
	f.must(f.release(one.ID))
	f.wantWaiting(batch, single)
	batch.leave()
	single.served()
}

func placeOfNewUsers(f *farm) {
	f.add()
	f.acquireFor(time.Hour, anyone)
	claim := ports.Claim{Want: []domain.Selector{{Env: "staging"}}, Wait: domain.MaxWait, Once: f.once("a", "request")}
	f.standFor(claim).leaveNow()
	second := f.stand(anyone)
	f.add(withRole("first")) // the claim is away, so this user is for the second
	second.served()
	third := f.stand(anyone)
	first := f.standFor(claim)
	u := f.add(withRole("second"))
	f.wantUsers(first.served(), u)
	f.wantWaiting(third)
}

func placeNotForgotten(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	f.advanceInLine(domain.PlaceKept - 5*time.Second)
	f.must(f.store.Forget(f.Context(), ports.Ages{}))
	first := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	first.served()
	f.wantWaiting(second)
}

func placeWithoutKey(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.stand(anyone).leaveNow()
	second := f.stand(anyone)
	first := f.stand(anyone)
	f.must(f.release(held.ID))
	second.served()
	f.wantWaiting(first)
}

func placeOfAnotherCall(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	first := f.standFor(f.patientFor(domain.MaxWait, "b"))
	f.must(f.release(held.ID))
	second.served()
	f.wantWaiting(first)
}

func placeOfAnotherRequest(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	claim := f.patientFor(domain.MaxWait, "a")
	claim.Once = f.once("a", "another request")
	other := f.standFor(claim)
	f.must(f.release(held.ID))
	lease := second.served()
	f.must(f.release(lease.ID))
	other.served()
	_, err := f.start(f.patientFor(domain.MaxWait, "a")).end()
	f.wantErr("the request whose key was used by another one meanwhile", err, domain.ErrIdempotencyMismatch)
}

func placeOfAnotherWant(f *farm) {
	f.add(withRole("admin"))
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	first := f.standFor(ports.Claim{Want: []domain.Selector{role("admin")}, Wait: domain.MaxWait, Once: f.once("a", "request")})
	f.must(f.release(held.ID))
	second.served()
	f.wantWaiting(first)
}

func placeOnce(f *farm) {
	u := f.add()
	f.add(withRole("other"))
	held := f.acquireFor(time.Hour, named(u))
	f.acquireFor(time.Hour, anyone)
	claim := f.patientFor(domain.MaxWait, "a")
	one, other := f.standFor(claim), f.standFor(claim)
	f.must(f.release(held.ID))
	_, errOne := one.end()
	_, errOther := other.end()
	if (errOne == nil) == (errOther == nil) {
		f.Fatalf("two claims of one call got the errors %v and %v, want one lease", errOne, errOther)
	}
	if errOne == nil {
		errOne = errOther
	}
	f.wantRepeated(errOne, claim.Once)
	f.wantFence(u.ID(), 2)
}

func placeRepeated(f *farm) {
	u := f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	second := f.stand(anyone)
	claim := f.patientFor(domain.MaxWait, "a")
	first := f.standFor(claim)
	f.must(f.release(held.ID))
	lease := first.served()
	for _, wait := range []time.Duration{0, domain.MaxWait} {
		_, err := f.start(f.patientFor(wait, "a")).end()
		f.wantRepeated(err, claim.Once)
	}
	f.must(f.release(lease.ID))
	second.served()
	_, err := f.start(claim).end()
	f.wantRepeated(err, claim.Once)
	f.wantFence(u.ID(), 3)
}
