package domain_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// The test applies random operations to a few users and leases. A lease holds all of its users, and no other lease holds
// them, until it ends. Only its holder or a force release ends it early. A call that returns an error changes nothing.
func TestALeaseHoldsAllItsUsersAloneUntilItEnds(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		farm := &trial{t: t, random: random, now: noon}
		for _, login := range []string{"ann", "bob", "cid", "dan"} {
			farm.users = append(farm.users, newUser(login, nil))
		}
		for range 60 {
			farm.now = farm.now.Add(time.Duration(random.IntN(3)) * tick)
			farm.step()
			farm.check()
		}
	}
}

// trial has a few users and the leases that were granted.
type trial struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time
	users  []*domain.User
	leases []*tenure
}

// tenure is a lease as its holder knows it.
type tenure struct {
	id    domain.LeaseID
	users []*domain.User
	until time.Time // zero when it was released or forced
}

func (f *trial) step() {
	before := f.snapshots()
	refused := false
	switch f.random.IntN(6) {
	case 0, 1:
		refused = f.grant() != nil
	case 2:
		refused = f.renew() != nil
	case 3:
		refused = f.release() != nil
	case 4:
		refused = f.users[f.random.IntN(len(f.users))].ReleaseOpen(f.now) != nil
	case 5:
		f.force()
	}
	if refused && !reflect.DeepEqual(before, f.snapshots()) {
		f.t.Fatal("what was refused changed a user")
	}
}

func (f *trial) grant() error {
	f.random.Shuffle(len(f.users), func(i, j int) { f.users[i], f.users[j] = f.users[j], f.users[i] })
	users := slices.Clone(f.users[:1+f.random.IntN(3)])
	id, ttl := domain.NewLeaseID(), time.Duration(1+f.random.IntN(5))*tick
	_, err := domain.Grant(f.now, id, domain.Terms{TTL: ttl}, users)
	if err == nil {
		f.leases = append(f.leases, &tenure{id: id, users: users, until: f.now.Add(ttl)})
	}
	return err
}

func (f *trial) renew() error {
	lease := f.pick()
	ttl := time.Duration(1+f.random.IntN(5)) * tick
	_, err := domain.Renew(f.now, lease.id, ttl, lease.users)
	if err == nil {
		lease.until = f.now.Add(ttl)
	}
	return err
}

func (f *trial) release() error {
	lease := f.pick()
	err := domain.Release(f.now, lease.id, lease.users)
	if err == nil {
		lease.until = time.Time{}
	}
	return err
}

// force ends a lease that is not over. If it is over, its users may belong to another lease.
func (f *trial) force() {
	if lease := f.pick(); f.now.Before(lease.until) {
		must(f.t, domain.ForceRelease(f.now, lease.users, ""))
		lease.until = time.Time{}
	}
}

// pick returns one of the leases, or one that does not exist.
func (f *trial) pick() *tenure {
	if i := f.random.IntN(len(f.leases) + 1); i < len(f.leases) {
		return f.leases[i]
	}
	return &tenure{id: domain.NewLeaseID(), users: f.users[:1]}
}

// check compares every lease with what its holder expects.
func (f *trial) check() {
	held := make(map[*domain.User]bool)
	for _, lease := range f.leases {
		live := f.now.Before(lease.until)
		if _, err := domain.ReadLease(f.now, lease.id, lease.users); (err == nil) != live {
			f.t.Fatalf("at %v, a lease until %v reads as %v", f.now, lease.until, err)
		}
		for _, u := range lease.users {
			if live && held[u] {
				f.t.Fatal("a user is held twice")
			}
			held[u] = held[u] || live
		}
	}
	for _, u := range f.users {
		if free := u.CheckFree(f.now) == nil; free == held[u] {
			f.t.Fatalf("a user is free: %t, and held: %t", free, held[u])
		}
	}
}

func (f *trial) snapshots() map[domain.UserID]domain.Snapshot {
	all := make(map[domain.UserID]domain.Snapshot)
	for _, u := range f.users {
		all[u.ID()] = u.Snapshot()
	}
	return all
}
