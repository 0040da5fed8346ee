package portstest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var keysTests = []storeTest{
	{"keeps a key as it is", keyKept},
	{"keeps any name", keyNames},
	{"passes the time of its clock to the function that builds a key", keyBuilt},
	{"adds no key if building it fails", keyNotBuilt},
	{"rejects a token that exists", keyTwice},
	{"adds all of many keys, and only one of equal keys", keyRace},
	{"does not find an unknown key", keyUnknown},
	{"lists all keys in the order of their ids", keyList},
	{"pages without skipping or repeating a key", keyPages},
	{"knows the active keys exactly until they expire", keyActive},
	{"reports that a key exists, even if none is active", keyAny},
	{"writes the changes that decide makes, and returns the time", keyChanged},
	{"changes nothing if decide refuses, and returns its error", keyNotChanged},
	{"serializes the changes of a key", keyChangeRace},
	{"keeps the latest use of a key", keyUses},
	{"ignores uses of unknown keys", keyUnknownUses},
	{"does not change when a caller changes a key that it got", keyOwnership},
	{"keeps keys over a restart", keyRestart},
}

func keyKept(f *farm) {
	many := make([]domain.ProjectID, 100)
	for i := range many {
		many[i] = domain.ProjectID{0: 0xff, 7: byte(i), 15: byte(200 - i)}
	}
	for _, scope := range []domain.Scope{
		{}, domain.Only(projectA), domain.Only(projectB, projectA, domain.ProjectID{}), domain.Only(many...),
	} {
		for _, role := range []domain.Role{domain.Viewer, domain.Tester, domain.Admin} {
			bare := f.buildKey(keyScope(scope))
			bare.Role = role
			full := bare
			full.ID, full.Digest = f.buildKey().ID, domain.NewToken().Digest()
			full.CreatedAt = time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
			full.ExpiresAt = time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
			full.RevokedAt = f.born.Add(-instant)
			full.LastUsedAt = f.born.Add(-2 * instant)
			for _, key := range []domain.APIKey{bare, full} {
				kept, err := f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) { return key, nil, nil })
				f.must(err)
				f.wantKey(kept, key)
				f.wantKey(f.key(key.ID), key)
			}
		}
	}
}

func keyNames(f *farm) {
	var want []domain.APIKey
	for _, text := range hostile {
		want = append(want, f.addKey(keyName(text)))
	}
	for _, key := range want {
		f.wantKey(f.key(key.ID), key)
	}
	f.wantKeys("list", f.allKeys(), want...)
}

func keyBuilt(f *farm) {
	f.advance(time.Hour + instant)
	var told time.Time
	key, err := f.store.AddKey(f.Context(), func(now time.Time) (domain.APIKey, []domain.Event, error) {
		told = now
		key, err := domain.NewAPIKey(now, domain.NewToken(), domain.KeySpec{Name: "ci", Role: domain.Admin, TTL: time.Hour})
		return key, nil, err
	})
	f.must(err)
	if want := f.now(); told != want || key.CreatedAt != want || key.ExpiresAt != want.Add(time.Hour) {
		f.Fatalf("at %v, build got the time %v and returned %+v", want, told, key)
	}
	f.wantKey(f.key(key.ID), key)
}

func keyNotBuilt(f *farm) {
	key := f.buildKey()
	_, err := f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) { return key, key.Created(""), errDecide })
	f.wantErr("AddKey", err, errDecide)
	f.wantKeys("list", f.allKeys())
	if active, err := f.store.ActiveKeys(f.Context()); err != nil || active.Any {
		f.Fatalf("a key exists, but building it failed (%v)", err)
	}
	f.must(f.tryAddKey(key))
}

func keyTwice(f *farm) {
	first := f.addKey()
	revoked := f.addKey()
	revoked = f.revokeKey(revoked.ID)
	for _, there := range []domain.APIKey{first, revoked} {
		twin := f.buildKey(keyName("another"))
		twin.Digest = there.Digest
		f.wantErr("adding the same token", f.tryAddKey(twin), domain.ErrKeyExists)
	}
	f.wantKeys("list", f.allKeys(), first, revoked)
}

func keyRace(f *farm) {
	const n = 20
	keys, twins := make([]domain.APIKey, n), make([]domain.APIKey, n)
	for i := range keys {
		keys[i], twins[i] = f.buildKey(), f.buildKey()
		twins[i].Digest = twins[0].Digest
	}
	f.wantOutcomes(together(n, func(i int) error { return f.tryAddKey(keys[i]) }), n, nil)
	errs := together(n, func(i int) error { return f.tryAddKey(twins[i]) })
	f.wantOutcomes(errs, 1, domain.ErrKeyExists)
	f.wantKeys("list", f.allKeys(), append(keys, twins[slices.Index(errs, nil)])...)
}

func keyUnknown(f *farm) {
	f.addKey()
	for _, id := range []domain.APIKeyID{{}, f.buildKey().ID} {
		_, _, err := f.store.FindKey(f.Context(), id)
		f.wantErr("FindKey", err, domain.ErrKeyNotFound)
		_, _, err = f.store.ChangeKey(f.Context(), id, func(time.Time, *domain.APIKey) ([]domain.Event, error) {
			f.Error("decide was called for an unknown key")
			return nil, nil
		})
		f.wantErr("ChangeKey", err, domain.ErrKeyNotFound)
	}
}

func keyList(f *farm) {
	f.wantKeys("list of nothing", f.allKeys())
	fresh, expired, revoked := f.addKey(keyID(3)), f.addKey(keyID(1), expiringAt(f.born.Add(ttl))), f.addKey(keyID(2))
	f.advance(ttl)
	revoked = f.revokeKey(revoked.ID)
	f.wantKeys("list", f.allKeys(), expired, revoked, fresh)
}

func keyPages(f *farm) {
	const n = 7
	var all []domain.APIKey
	for _, number := range []byte{4, 1, 7, 2, 6, 3, 5} {
		all = append(all, f.addKey(keyID(number)))
	}
	slices.SortFunc(all, compareKeys)
	for limit := 1; limit <= n+1; limit++ {
		for after := range n + 1 {
			q := ports.KeyQuery{Limit: limit}
			if after > 0 {
				q.After = all[after-1].ID
			}
			end := min(after+limit, n)
			keys, _, more, err := f.store.ListKeys(f.Context(), q)
			f.must(err)
			f.wantKeys(fmt.Sprintf("%d keys after %d", limit, after), keys, all[after:end]...)
			if more != (end < n) {
				f.Fatalf("%d keys after %d of %d: more is %v", limit, after, n, more)
			}
		}
	}
	between := domain.APIKeyID{0: 1, 14: 1}
	keys, _, more, err := f.store.ListKeys(f.Context(), ports.KeyQuery{After: between, Limit: n})
	f.must(err)
	if len(keys) > 0 || more {
		f.Fatalf("%d keys after the last, more: %v", len(keys), more)
	}
}

// wantActive fails the test unless these keys are active, and there is a key at all.
func (f *farm) wantActive(want ...domain.APIKey) {
	f.Helper()
	active, err := f.store.ActiveKeys(f.Context())
	f.must(err)
	if now := f.now(); active.Now != now || !active.Any {
		f.Fatalf("ActiveKeys returns the time %v, want %v, and that a key exists: %v", active.Now, now, active.Any)
	}
	f.wantKeys("active keys", slices.SortedFunc(slices.Values(active.Keys), compareKeys), want...)
}

func keyActive(f *farm) {
	forever := f.addKey(keyScope(domain.Only(projectB, projectA)))
	short, long := f.addKey(expiringAt(f.born.Add(time.Second))), f.addKey(expiringAt(f.born.Add(time.Hour)))
	gone := f.addKey()
	f.wantActive(forever, short, long, gone)
	f.revokeKey(gone.ID)
	f.wantActive(forever, short, long)
	f.advance(time.Second - instant)
	f.wantActive(forever, short, long)
	f.advance(instant)
	f.wantActive(forever, long)
	f.advance(time.Hour)
	f.wantActive(forever)
	f.revokeKey(forever.ID)
	f.wantActive()
}

func keyAny(f *farm) {
	active, err := f.store.ActiveKeys(f.Context())
	f.must(err)
	if now := f.now(); active.Any || len(active.Keys) > 0 || active.Now != now {
		f.Fatalf("a store without keys has %+v, at %v", active, now)
	}
	f.addKey(expiringAt(f.born.Add(time.Second)))
	f.advance(time.Second)
	f.wantActive()
	f.revokeKey(f.addKey().ID)
	f.wantActive()
}

func keyChanged(f *farm) {
	other := f.addKey()
	want := f.addKey(keyScope(domain.Only(projectA)), expiringAt(f.born.Add(time.Hour)))
	f.advance(time.Second + instant)
	at := f.now()
	for _, change := range []func(now time.Time, key *domain.APIKey){
		func(now time.Time, key *domain.APIKey) { key.RevokedAt, key.RevokedBy = now, domain.APIKeyID{7} },
		func(_ time.Time, key *domain.APIKey) { key.Name, key.Role = "changed", domain.Admin },
		func(_ time.Time, key *domain.APIKey) { key.Scope, key.ExpiresAt = domain.Scope{}, time.Time{} },
		func(time.Time, *domain.APIKey) {},
	} {
		changed, now, err := f.store.ChangeKey(f.Context(), want.ID, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
			if now != at {
				return nil, fmt.Errorf("decide got the time %v, want %v", now, at)
			}
			change(now, key)
			return nil, nil
		})
		f.must(err)
		if now != at {
			f.Fatalf("ChangeKey returns the time %v, want %v", now, at)
		}
		change(at, &want)
		f.wantKey(changed, want)
		f.wantKey(f.key(want.ID), want)
	}
	f.advance(time.Second)
	f.wantKey(f.revokeKey(want.ID), want) // a second revocation changes nothing
	f.wantKeys("list", f.allKeys(), other, want)
	f.wantActive(other)
}

func keyNotChanged(f *farm) {
	key := f.addKey(keyScope(domain.Only(projectB, projectA)))
	_, _, err := f.store.ChangeKey(f.Context(), key.ID, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
		events, err := key.Revoke(now, domain.APIKeyID{7}, "")
		key.Name = "changed"
		key.Scope.Projects[0] = domain.ProjectID{}
		return events, errors.Join(err, errDecide)
	})
	f.wantErr("ChangeKey", err, errDecide)
	key.Scope = domain.Only(projectA, projectB)
	f.wantKey(f.key(key.ID), key)
	f.wantActive(key)
}

func keyChangeRace(f *farm) {
	const n = 12
	key := f.addKey(keyName(""))
	f.must(errors.Join(together(n, func(int) error {
		_, _, err := f.store.ChangeKey(f.Context(), key.ID, func(_ time.Time, key *domain.APIKey) ([]domain.Event, error) {
			key.Name += "x"
			return nil, nil
		})
		return err
	})...))
	if got := len(f.key(key.ID).Name); got != n {
		f.Fatalf("%d of %d changes are stored", got, n)
	}
}

func (f *farm) noteUses(uses map[domain.APIKeyID]time.Time) {
	f.Helper()
	f.must(f.store.NoteUses(f.Context(), uses))
}

func keyUses(f *farm) {
	used, idle := f.addKey(), f.addKey()
	gone := f.addKey()
	gone = f.revokeKey(gone.ID)
	f.noteUses(nil)
	f.wantKeys("keys without a use", f.allKeys(), used, idle, gone)

	at := f.born.Add(3 * instant)
	for _, use := range []struct{ note, want time.Time }{
		{at, at},
		{at.Add(-instant), at},
		{at, at},
		{at.Add(instant), at.Add(instant)},
		{at.Add(time.Hour), at.Add(time.Hour)},
		{f.born, at.Add(time.Hour)},
	} {
		f.noteUses(map[domain.APIKeyID]time.Time{used.ID: use.note, gone.ID: use.note})
		used.LastUsedAt, gone.LastUsedAt = use.want, use.want
		f.wantKeys("keys and their uses", f.allKeys(), used, idle, gone)
	}
	f.wantActive(used, idle)
	var notes []map[domain.APIKeyID]time.Time
	for i := range 12 {
		notes = append(notes, map[domain.APIKeyID]time.Time{
			used.ID: at.Add(2*time.Hour - time.Duration(i)*instant), idle.ID: at.Add(time.Duration(i) * instant),
		})
	}
	f.must(errors.Join(together(len(notes), func(i int) error { return f.store.NoteUses(f.Context(), notes[i]) })...))
	used.LastUsedAt, idle.LastUsedAt = at.Add(2*time.Hour), at.Add(11*instant)
	f.wantKeys("keys after uses at once", f.allKeys(), used, idle, gone)
}

func keyUnknownUses(f *farm) {
	key := f.addKey()
	at := f.born.Add(time.Second)
	f.noteUses(map[domain.APIKeyID]time.Time{{}: at, f.buildKey().ID: at})
	f.noteUses(map[domain.APIKeyID]time.Time{f.buildKey().ID: at, key.ID: at, f.buildKey().ID: at})
	key.LastUsedAt = at
	f.wantKeys("list", f.allKeys(), key)
}

func keyOwnership(f *farm) {
	key := f.addKey(keyScope(domain.Only(projectB, projectA)))
	want := domain.Only(projectA, projectB)
	spoilScope := func(keys ...domain.APIKey) {
		f.Helper()
		for _, key := range keys {
			key.Scope.Projects[0] = domain.ProjectID{}
		}
		if got := f.key(key.ID).Scope; !got.Equal(want) {
			f.Fatalf("a change of the caller's copy made the stored key %+v", got)
		}
	}
	spoilScope(key)
	spoilScope(f.key(key.ID))
	spoilScope(f.allKeys()...)
	active, err := f.store.ActiveKeys(f.Context())
	f.must(err)
	spoilScope(active.Keys...)
	spoilScope(f.revokeKey(key.ID))
	kept, err := f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) {
		return f.buildKey(keyScope(domain.Only(projectB))), nil, nil
	})
	f.must(err)
	kept.Scope.Projects[0] = domain.ProjectID{}
	if got := f.key(kept.ID).Scope; !got.Equal(domain.Only(projectB)) {
		f.Fatalf("a change of the key that AddKey returned made the stored key %+v", got)
	}
}

func keyRestart(f *farm) {
	active := f.addKey(keyScope(domain.Only(projectB, projectA)), keyName("Zoë \U0001f642"))
	expired, revoked := f.addKey(expiringAt(f.born.Add(instant))), f.addKey()
	f.advance(instant)
	revoked = f.revokeKey(revoked.ID)
	active.LastUsedAt = f.now()
	f.noteUses(map[domain.APIKeyID]time.Time{active.ID: active.LastUsedAt})

	f.restart()
	f.wantKeys("list", f.allKeys(), active, expired, revoked)
	f.wantActive(active)
	f.wantKey(f.key(revoked.ID), revoked)
	twin := f.buildKey()
	twin.Digest = revoked.Digest
	f.wantErr("adding the same token", f.tryAddKey(twin), domain.ErrKeyExists)
}
