package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var clockTests = []storeTest{
	{"returns the same time from every method, in UTC and whole microseconds", clockTells},
	{"stores times to the microsecond", clockKeeps},
}

func clockTells(f *farm) {
	u := f.add()
	want := f.born
	for _, step := range []time.Duration{0, instant, time.Second, 36 * time.Hour} {
		f.advance(step)
		want = want.Add(step)
		var told []time.Time
		tell := func(now time.Time, _ []*domain.User) error {
			told = append(told, now)
			return nil
		}
		page, err := f.store.List(f.Context(), ports.Query{Limit: 1})
		f.must(err)
		_, found, err := f.store.Find(f.Context(), ports.ByUser(u.ID()))
		f.must(err)
		_, err = f.store.Claim(f.Context(), ports.Claim{Want: []domain.Selector{anyone}, Decide: tell})
		f.must(err)
		_, err = f.store.Update(f.Context(), ports.ByUser(u.ID()), tell)
		f.must(err)
		f.must(f.store.Remove(f.Context(), u.ID(), tell))
		f.must(f.store.Add(f.Context(), domain.Once{}, u))

		for _, now := range append(told, page.Now, found) {
			if now != want {
				f.Fatalf("the time is %v (%v), want %v", now, now.Location(), want)
			}
			if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
				f.Fatalf("%v is not in UTC and whole microseconds", now)
			}
		}
	}
}

func clockKeeps(f *farm) {
	f.advance(123_457 * instant)
	s := f.build().Snapshot()
	s.CreatedAt = f.now().Add(-7 * instant)
	u := domain.Restore(s)
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	f.wantSame(f.get(u.ID()), u)

	lease := f.acquireFor(time.Second+3*instant, anyone)
	f.advance(3 * instant)
	f.must(f.quarantine(u.ID(), "broken"))
	s.Fence = 1
	s.Lock = &domain.Lock{
		Lease: lease.ID.Digest(), Size: 1, Owner: lease.Owner, Note: lease.Note,
		AcquiredAt: s.CreatedAt.Add(7 * instant), ExpiresAt: s.CreatedAt.Add(time.Second + 10*instant),
	}
	s.Quarantine = &domain.Quarantine{Reason: "broken", Since: s.CreatedAt.Add(10 * instant)}
	f.wantSame(f.get(u.ID()), domain.Restore(s))

	f.advance(instant)
	f.must(f.release(lease.ID))
	s.Lock, s.ReleasedAt = nil, s.CreatedAt.Add(11*instant)
	f.wantSame(f.get(u.ID()), domain.Restore(s))
}
