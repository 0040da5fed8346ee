package portstest

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var lineGiveUpTests = []storeTest{
	{"records a claim whose time is up", giveUpInTime},
	{"records a claim whose caller left", giveUpByLeaving},
	{"records a claim that could ask again only once its place is lost", giveUpLate},
	{"records no claim that asked again and was served", giveUpNot},
	{"records no claim that asked again and did not need to wait", giveUpNotWithoutWait},
	{"records a claim that no user could satisfy anymore", giveUpInVain},
	{"records a claim once for each pool that it names", giveUpPools},
	{"records how long a claim waited before it was served", servedAfter},
}

// gaveUp returns the events of claims that have given up by now, without when that was recorded.
func (f *farm) gaveUp() (events []domain.Event) {
	f.Helper()
	f.advance(2 * time.Second) // for a second, a claim without a key is as if it could ask again
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
	for _, e := range f.historyOf(ports.EventQuery{}) {
		if e.Kind == domain.ClaimGaveUp {
			e.At = time.Time{}
			events = append(events, e.Event)
		}
	}
	return events
}

// wantGaveUp fails the test unless so many claims have given up. One that has left may still be about to leave the line.
func (f *farm) wantGaveUp(want int) {
	f.Helper()
	got := f.gaveUp()
	for late := time.Now().Add(answerTimeout); len(got) < want && time.Now().Before(late); got = f.gaveUp() {
		time.Sleep(5 * time.Millisecond)
	}
	if len(got) != want {
		f.Fatalf("%d claims gave up, want %d: %+v", len(got), want, got)
	}
}

// giveUp lets a claim stand in line for 3 seconds, in vain.
func (f *farm) giveUp(claim ports.Claim) {
	f.Helper()
	claim.Wait = 3 * time.Second
	before := f.waiting()
	w := f.standFor(claim)
	f.advance(claim.Wait)
	_, err := w.end()
	f.wantErr("a claim whose time is up", err, domain.ErrPoolExhausted)
	f.shrinks(before + 1)
}

func giveUpInTime(f *farm) {
	pool := f.addMany(2)[0].Snapshot().Pool
	f.acquire(anyone)
	key := f.addKey()
	wanted := []domain.Selector{{ProjectID: pool.ProjectID, Env: pool.Env}, {ProjectID: pool.ProjectID, Env: pool.Env}}
	f.giveUp(ports.Claim{
		Want:  wanted,
		Asker: domain.Asker{Owner: "ann", Note: "a note", Key: key.ID},
	})
	got := f.gaveUp()
	if len(got) != 1 {
		f.Fatalf("%d claims gave up, want one: %+v", len(got), got)
	}
	if waited := got[0].Waited; waited < 2*time.Second || waited > 4*time.Second {
		f.Errorf("it waited for %v, want 3 s", waited)
	}
	if came, since := got[0].Held+got[0].Waited, 3*time.Second; came < since || came > domain.PlaceKept+10*time.Second {
		f.Errorf("the event is %v after the claim came, want 3 s and for how long its place was kept", came)
	}
	got[0].Waited, got[0].Held = 0, 0
	want := domain.Event{
		Kind: domain.ClaimGaveUp, Pool: domain.Pool{ProjectID: pool.ProjectID, Env: pool.Env}, Owner: "ann", Note: "a note", Key: key.ID,
		Want: wanted,
	}
	if !sameEvent(got[0], want) {
		f.Errorf("the event is\n\t%+v, want\n\t%+v", got[0], want)
	}
	f.wantGaveUp(1)
}

func giveUpByLeaving(f *farm) {
	f.add()
	f.acquire(anyone)
	f.stand(anyone).leaveNow()
	f.wantGaveUp(1)
}

func giveUpLate(f *farm) {
	f.add()
	f.acquireFor(time.Hour, anyone)
	f.giveUp(f.patientFor(0, "a"))
	f.wantGaveUp(0)
	f.advance(domain.PlaceKept)
	f.wantGaveUp(1)
}

func giveUpNot(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.giveUp(f.patientFor(0, "a"))
	f.advance(10 * time.Second)
	again := f.standFor(f.patientFor(domain.MaxWait, "a"))
	f.must(f.release(held.ID))
	again.served()
	f.advance(domain.PlaceKept)
	f.wantGaveUp(0)
	if waited := f.waitOf(2); waited < 13*time.Second || waited > 14*time.Second {
		f.Errorf("the claim waited for %v, want 13 s, since it stood in line first", waited)
	}
}

func giveUpNotWithoutWait(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.giveUp(f.patientFor(0, "a"))
	f.must(f.release(held.ID))
	_, err := f.carryOut(f.Context(), f.patientFor(0, "a"))
	f.must(err)
	f.advance(domain.PlaceKept)
	f.wantGaveUp(0)
}

func giveUpInVain(f *farm) {
	u := f.add()
	f.acquire(anyone)
	w := f.stand(named(u))
	f.must(f.quarantine(u.ID(), "broken"))
	f.must(f.forceRelease(u.ID()))
	f.must(f.remove(u.ID()))
	_, err := w.end()
	f.wantErr("a claim of a removed user", err, domain.ErrUserNotFound)
	f.shrinks(1)
	f.wantGaveUp(1)
}

func giveUpPools(f *farm) {
	pool := f.add().Snapshot().Pool
	f.add()
	f.acquire(anyone)
	shop := domain.Selector{ProjectID: pool.ProjectID, Env: pool.Env}
	f.giveUp(ports.Claim{Want: []domain.Selector{shop, anyone}})
	var pools []domain.Pool
	for _, e := range f.gaveUp() {
		pools = append(pools, e.Pool)
	}
	if want := []domain.Pool{{ProjectID: pool.ProjectID, Env: pool.Env}, {}}; !slices.Equal(pools, want) {
		f.Errorf("claims of %+v gave up, want %+v", pools, want)
	}
}

// waitOf returns how long the claim waited that acquired the user for the n-th time.
func (f *farm) waitOf(n uint64) time.Duration {
	f.Helper()
	for _, e := range f.historyOf(ports.EventQuery{}) {
		if e.Kind == domain.UserAcquired && e.Fence == n {
			return e.Waited
		}
	}
	f.Fatalf("no user was acquired for the %d. time", n)
	return 0
}

func servedAfter(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	w := f.stand(anyone)
	f.advanceInLine(7 * time.Second)
	f.must(f.release(held.ID))
	w.served()
	if waited := f.waitOf(1); waited != 0 {
		f.Errorf("a claim that did not wait waited for %v", waited)
	}
	if waited := f.waitOf(2); waited < 7*time.Second || waited > 8*time.Second {
		f.Errorf("the claim waited for %v, want 7 s", waited)
	}
	f.wantGaveUp(0)
}
