package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var holderTests = []storeTest{
	{"returns the holders whose locks end first", holdersFirst},
	{"returns only users that are locked now", holdersNow},
	{"returns only users that match", holdersMatching},
}

// wantHolders fails the test unless the first holders of what matches are these, in this order.
func (f *farm) wantHolders(want domain.Selector, limit int, holders ...*domain.User) {
	f.Helper()
	got, now, err := f.store.Holders(f.Context(), want, limit)
	f.must(err)
	f.wantIDs("the holders", ids(got), ids(holders))
	if now != f.now() {
		f.Fatalf("the time is %v, want %v", now, f.now())
	}
}

func holdersFirst(f *farm) {
	users := f.addInOrder(14)
	for i, u := range users[:12] { // the later, the sooner it ends
		f.acquireFor(time.Hour-time.Duration(i)*time.Minute, named(u))
	}
	f.must(f.lockOpen(users[12].ID(), 0))
	f.must(f.lockOpen(users[13].ID(), time.Minute))
	f.wantHolders(anyone, 3, users[13], users[11], users[10])
	f.wantHolders(anyone, 14, users[13], users[11], users[10], users[9], users[8], users[7], users[6], users[5], users[4], users[3],
		users[2], users[1], users[0], users[12])
}

func holdersNow(f *farm) {
	users := f.addInOrder(6)
	free, held, expired, released, quarantined, open := users[0], users[1], users[2], users[3], users[4], users[5]
	f.acquireFor(time.Hour, named(held))
	f.acquireFor(time.Minute, named(expired))
	f.must(f.release(f.acquireFor(time.Hour, named(released)).ID))
	f.acquireFor(time.Hour, named(quarantined))
	f.must(f.quarantine(quarantined.ID(), "broken"))
	f.must(f.lockOpen(open.ID(), 0))
	f.wantHolders(anyone, 10, expired, held, open)
	f.advance(time.Minute)
	f.wantHolders(anyone, 10, held, open) // nobody has swept the lock that expired
	f.wantStatus(free.ID(), domain.Free)
	f.wantStatus(expired.ID(), domain.Free)
}

func holdersMatching(f *farm) {
	users := []*domain.User{
		f.add(withRole("admin")), f.add(withRole("plain")), f.add(withRole("admin"), inProject(projectB)), f.add(),
	}
	for i, u := range users {
		f.acquireFor(time.Duration(i+1)*time.Minute, named(u))
	}
	f.wantHolders(anyone, 10, users...)
	f.wantHolders(role("admin"), 10, users[0], users[2])
	f.wantHolders(role("admin").In(domain.Only(projectB)), 10, users[2])
	f.wantHolders(domain.Selector{ProjectID: projectA, Env: "staging"}, 10, users[0], users[1], users[3])
	f.wantHolders(domain.Selector{Env: "nowhere"}, 10)
	f.wantHolders(anyone.In(domain.Only()), 10)
	f.wantHolders(domain.Selector{Env: "a\x00b"}, 10)
}
