package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var restTests = []storeTest{
	{"hands out users that were never held first, in the order of their ids", restNeverUsed},
	{"then hands out the user that was released longest ago", restReleased},
	{"counts rest after an expired lock from its expiry", restExpired},
	{"counts rest after a renewed lease from its last expiry", restRenewed},
	{"counts rest after a forced release from that release", restForced},
	{"counts rest after an open lock like after any other", restOpen},
	{"does not change rest by a quarantine or a refused claim", restUncounted},
	{"orders users that were released at the same time by their ids", restTogether},
	{"finds the most rested user with labels of one set", restLabelled(domain.Labels{"account": "17"})},
	{"finds the most rested users with labels of a few sets", restLabelled(domain.Labels{"team": "1"})},
	{"finds the most rested users with labels of many sets", restLabelled(domain.Labels{"role": "buyer"})},
	{"finds the most rested users with several labels", restLabelled(domain.Labels{"role": "buyer", "team": "1"})},
}

// wantOrder fails the test unless single claims hand out exactly these users in this order.
func (f *farm) wantOrder(users ...*domain.User) {
	f.Helper()
	for _, u := range users {
		f.wantUsers(f.acquire(anyone), u)
	}
	f.wantUnmatched(domain.ErrPoolExhausted, []int{0}, anyone)
}

// use acquires the user and releases it at once.
func (f *farm) use(u *domain.User) {
	f.Helper()
	f.must(f.release(f.acquire(named(u)).ID))
}

func restNeverUsed(f *farm) {
	used := f.add()
	f.use(used)
	f.advance(time.Hour)
	fresh := f.addInOrder(3)
	f.wantOrder(fresh[0], fresh[1], fresh[2], used)
}

func restReleased(f *farm) {
	users := f.addInOrder(3)
	lease := f.acquire(named(users[0]), named(users[1]))
	f.use(users[2])
	f.advance(instant)
	f.must(f.release(lease.ID))
	f.advance(instant)
	f.use(users[0])
	f.wantOrder(users[2], users[1], users[0])
}

func restExpired(f *farm) {
	users := f.addInOrder(3)
	f.acquireFor(10*time.Second, named(users[0]))
	f.advance(5 * time.Second)
	f.use(users[1])
	f.advance(6 * time.Second)
	f.use(users[2])
	f.advance(time.Hour)
	f.wantOrder(users[1], users[0], users[2])
}

func restRenewed(f *farm) {
	users := f.addInOrder(2)
	lease := f.acquireFor(10*time.Second, named(users[0]))
	f.advance(time.Second)
	_, err := f.renew(lease.ID, 20*time.Second)
	f.must(err)
	f.advance(10 * time.Second)
	f.use(users[1])
	f.advance(time.Hour)
	f.wantOrder(users[1], users[0])
}

func restForced(f *farm) {
	users := f.addInOrder(2)
	f.acquireFor(time.Hour, named(users[0]))
	f.advance(time.Second)
	f.must(f.forceRelease(users[0].ID()))
	f.advance(time.Second)
	f.use(users[1])
	f.wantOrder(users[0], users[1])
}

func restOpen(f *farm) {
	users := f.addInOrder(3)
	f.must(f.lockOpen(users[0].ID(), 0))
	f.must(f.lockOpen(users[1].ID(), 2*time.Second))
	f.advance(time.Second)
	f.use(users[2])
	f.advance(2 * time.Second)
	f.must(f.releaseOpen(users[0].ID()))
	f.wantOrder(users[2], users[1], users[0])
}

func restUncounted(f *farm) {
	users := f.addInOrder(2)
	f.use(users[0])
	f.advance(time.Second)
	f.use(users[1])
	f.advance(time.Second)
	f.must(f.quarantine(users[0].ID(), "broken"))
	f.wantRefused(domain.ErrUserQuarantined, 0, named(users[0]))
	f.advance(time.Second)
	f.must(f.update(users[0].ID(), restored))
	f.wantOrder(users[0], users[1])
}

func restTogether(f *farm) {
	users := f.addInOrder(3)
	lease := f.acquire(named(users[2]), named(users[0]), named(users[1]))
	f.must(f.release(lease.ID))
	f.wantOrder(users...)
}
