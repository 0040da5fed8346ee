package portstest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var forgetTests = []storeTest{
	{"forgets a lease only when it ended longer ago than the age", forgetOld},
	{"forgets no lease that is still recorded at a user", forgetCarried},
	{"changes no user", forgetNoUser},
	{"finds users whose labels and pool came, went and came again", forgetUnused},
	{"loses no user that is added or relabelled meanwhile", forgetWhileAdding},
}

func forgetOld(f *farm) {
	f.addMany(2)
	old, young := f.acquire(anyone), f.acquire(anyone)
	f.must(f.release(old.ID))
	f.advance(time.Second)
	f.must(f.release(young.ID))
	f.advance(time.Hour - time.Second)

	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
	f.wantLeaseErr(old.ID, domain.ErrLeaseExpired)
	f.advance(instant)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
	f.wantLeaseErr(old.ID, domain.ErrLeaseNotFound)
	f.wantLeaseErr(young.ID, domain.ErrLeaseExpired)
}

func forgetCarried(f *farm) {
	a, b := f.add(), f.add()
	live := f.acquireFor(3*time.Hour, named(a))
	expired := f.acquire(named(b))
	f.advance(2 * time.Hour)
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Minute, Events: time.Minute}))
	f.wantCarriers(expired.ID, b)
	read, err := f.read(live.ID)
	f.must(err)
	f.wantLease(read, live)

	f.must(f.release(live.ID))
	f.wantLeaseErr(live.ID, domain.ErrLeaseExpired)
}

func forgetNoUser(f *farm) {
	f.addMany(2)
	f.must(f.release(f.acquire(anyone).ID))
	lease := f.acquire(anyone)
	f.advance(time.Hour)
	users := f.everyone()
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: 0, Events: 0}))
	for _, u := range users {
		f.wantSame(f.get(u.ID()), u)
	}
	f.wantOver(lease.ID)
}

func (f *farm) forget() {
	f.Helper()
	f.must(f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}))
}

func forgetUnused(f *farm) {
	u := f.add(withRole("admin"))
	for i := range 12 {
		gone := f.add(in(prodShop), withRole(fmt.Sprint("role-", i%3)))
		f.must(f.update(u.ID(), relabel(domain.Labels{"role": fmt.Sprint("robot-", i)})))
		f.must(f.remove(gone.ID()))
		if i%2 == 0 {
			f.forget()
		}
		f.wantUnmatched(domain.ErrNoMatch, []int{0}, role("admin"))
		f.wantUnmatched(domain.ErrNoMatch, []int{0}, domain.Selector{Env: "prod"})
		lease := f.acquire(role(fmt.Sprint("robot-", i)))
		f.wantUsers(lease, u)
		f.must(f.release(lease.ID))
	}
	again := f.add(in(prodShop), withRole("role-1"))
	f.forget()
	f.must(f.update(u.ID(), relabel(domain.Labels{"role": "admin"})))
	f.wantUsers(f.acquire(domain.Selector{Env: "prod", Labels: domain.Labels{"role": "role-1"}}, role("admin")), again, u)
}

// The user of each worker alone makes its labels come and go, and, but for two workers, its pool.
func forgetWhileAdding(f *farm) {
	const workers, rounds = 6, 25
	labels := func(worker, round int) domain.Labels {
		return domain.Labels{"worker": fmt.Sprint(worker), "role": fmt.Sprint("role-", round%2)}
	}
	added := make([][]*domain.User, workers)
	for i := range added {
		pool := domain.Pool{ProjectID: projectA, Env: fmt.Sprint("env-", max(1, i)), Domain: "shop"}
		for round := range rounds {
			added[i] = append(added[i], f.build(in(pool), withLabels(labels(i, round))))
		}
	}
	adding := make(chan struct{})
	var forgetting sync.WaitGroup
	for range 2 {
		forgetting.Go(func() {
			for {
				if err := f.store.Forget(f.Context(), ports.Ages{Leases: time.Hour, Events: time.Hour}); err != nil {
					f.Errorf("Forget: %v", err)
				}
				select {
				case <-adding:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	for _, err := range together(workers, func(i int) error {
		for round, u := range added[i] {
			err := f.store.Add(f.Context(), domain.Once{}, u)
			if err == nil {
				err = f.isFound(u, labels(i, round))
			}
			if err == nil {
				err = f.update(u.ID(), relabel(labels(i, round+1)))
			}
			if err == nil {
				err = f.isFound(u, labels(i, round+1))
			}
			if err == nil {
				err = f.remove(u.ID())
			}
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			f.Errorf("a worker: %v", err)
		}
	}
	close(adding)
	forgetting.Wait()
}

// isFound returns an error unless searches for its pool, and for labels that nobody else has, find the user.
func (f *farm) isFound(u *domain.User, labels domain.Labels) error {
	pool := domain.Selector{Env: u.Pool().Env}
	labelled := domain.Selector{Env: u.Pool().Env, Labels: labels}
	for _, want := range []domain.Selector{pool, labelled} {
		if err := f.tryClaim(want); err != nil {
			return fmt.Errorf("claim %+v: %w", want, err)
		}
	}
	return nil
}

// errLeftFree undoes a claim.
var errLeftFree = errors.New("the user is left free")

// tryClaim claims a user and leaves it free.
func (f *farm) tryClaim(want domain.Selector) error {
	_, err := f.store.Claim(f.Context(), ports.Claim{
		Want: []domain.Selector{want}, Decide: func(time.Time, []*domain.User) error { return errLeftFree },
	})
	if errors.Is(err, errLeftFree) {
		return nil
	}
	return err
}
