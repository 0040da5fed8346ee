package portstest

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var cancelTests = []storeTest{
	{"does nothing for a caller whose context has ended", cancelled},
	{"answers a ping", func(f *farm) { f.must(f.store.Ping(f.Context())) }},
}

func cancelled(f *farm) {
	u, held := f.add(), f.add()
	lease := f.acquire(named(held))
	ended := f.acquire(named(u))
	f.must(f.release(ended.ID))
	f.advance(time.Second)
	before := f.everyone()
	newcomer, key := f.build(), f.addKey()

	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	calls := map[string]func() error{
		"Add": func() error { return f.store.Add(ctx, domain.Once{}, newcomer) },
		"Find": func() error {
			_, _, err := f.store.Find(ctx, ports.ByUser(u.ID()))
			return err
		},
		"List": func() error {
			_, err := f.store.List(ctx, ports.Query{Limit: 10})
			return err
		},
		"Claim": func() error {
			_, err := f.store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyone}, Decide: f.undecided})
			return err
		},
		"Update by user": func() error {
			_, err := f.store.Update(ctx, ports.ByUser(u.ID()), f.undecided)
			return err
		},
		"Update by lease": func() error {
			_, err := f.store.Update(ctx, ports.ByLease(lease.ID.Digest()), f.undecided)
			return err
		},
		"Remove": func() error { return f.store.Remove(ctx, u.ID(), f.undecided) },
		"AddKey": func() error {
			_, err := f.store.AddKey(ctx, func(time.Time) (domain.APIKey, []domain.Event, error) { return f.buildKey(), nil, nil })
			return err
		},
		"FindKey": func() error {
			_, _, err := f.store.FindKey(ctx, key.ID)
			return err
		},
		"ListKeys": func() error {
			_, _, _, err := f.store.ListKeys(ctx, ports.KeyQuery{Limit: 10})
			return err
		},
		"ActiveKeys": func() error {
			_, err := f.store.ActiveKeys(ctx)
			return err
		},
		"ChangeKey": func() error {
			_, _, err := f.store.ChangeKey(ctx, key.ID, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
				return key.Revoke(now, domain.APIKeyID{7}, "")
			})
			return err
		},
		"NoteUses": func() error { return f.store.NoteUses(ctx, map[domain.APIKeyID]time.Time{key.ID: f.born}) },
		"Events": func() error {
			_, err := f.store.Events(ctx, ports.EventQuery{Limit: 10})
			return err
		},
		"EndExpired": func() error {
			_, err := f.store.EndExpired(ctx)
			return err
		},
		"Forget": func() error { return f.store.Forget(ctx, ports.Ages{}) },
		"Ping":   func() error { return f.store.Ping(ctx) },
		"CountPools": func() error {
			_, err := f.store.CountPools(ctx, domain.Scope{})
			return err
		},
	}
	for name, call := range calls {
		f.wantErr(name, call(), context.Canceled)
	}

	f.wantIDs("list", f.list(ports.Query{}), ids(before))
	for _, u := range before {
		f.wantSame(f.get(u.ID()), u)
	}
	f.wantLeaseErr(ended.ID, domain.ErrLeaseExpired)
	f.wantKeys("keys", f.allKeys(), key)
}
