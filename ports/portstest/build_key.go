package portstest

import (
	"bytes"
	"reflect"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// buildKey returns a key that is in no store yet.
func (f *farm) buildKey(change ...func(*domain.APIKey)) domain.APIKey {
	f.Helper()
	key, err := domain.NewAPIKey(f.born, domain.NewToken(), domain.KeySpec{Name: "ci", Role: domain.Tester})
	f.must(err)
	for _, c := range change {
		c(&key)
	}
	return key
}

func keyName(name string) func(*domain.APIKey) { return func(k *domain.APIKey) { k.Name = name } }

func keyID(number byte) func(*domain.APIKey) {
	return func(k *domain.APIKey) { k.ID = domain.APIKeyID{0: 1, 15: number} }
}

func keyScope(scope domain.Scope) func(*domain.APIKey) {
	return func(k *domain.APIKey) { k.Scope = scope }
}

func expiringAt(at time.Time) func(*domain.APIKey) {
	return func(k *domain.APIKey) { k.ExpiresAt = at }
}

// addKey adds a key.
func (f *farm) addKey(change ...func(*domain.APIKey)) domain.APIKey {
	f.Helper()
	key := f.buildKey(change...)
	f.must(f.tryAddKey(key))
	return key
}

func (f *farm) tryAddKey(key domain.APIKey) error {
	_, err := f.store.AddKey(f.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) { return key, nil, nil })
	return err
}

// key returns a key as the store has it.
func (f *farm) key(id domain.APIKeyID) domain.APIKey {
	f.Helper()
	key, now, err := f.store.FindKey(f.Context(), id)
	f.must(err)
	if want := f.now(); now != want {
		f.Fatalf("FindKey returns the time %v, want %v", now, want)
	}
	return key
}

// allKeys returns all keys as the store lists them.
func (f *farm) allKeys() []domain.APIKey {
	f.Helper()
	keys, now, more, err := f.store.ListKeys(f.Context(), ports.KeyQuery{Limit: 1000})
	f.must(err)
	if want := f.now(); more || now != want {
		f.Fatalf("ListKeys returns more: %v, and the time %v, want false and %v", more, now, want)
	}
	return keys
}

// revokeKey revokes a key and returns the revoked key.
func (f *farm) revokeKey(id domain.APIKeyID) domain.APIKey {
	f.Helper()
	key, _, err := f.store.ChangeKey(f.Context(), id, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
		return key.Revoke(now, domain.APIKeyID{7}, "")
	})
	f.must(err)
	return key
}

// wantKey fails the test unless the keys are the same in everything, down to the location of times.
func (f *farm) wantKey(got, want domain.APIKey) {
	f.Helper()
	if !got.Scope.Equal(want.Scope) {
		f.Fatalf("key %v has the scope %+v, want %+v", want.ID, got.Scope, want.Scope)
	}
	got.Scope, want.Scope = domain.Scope{}, domain.Scope{}
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("key is\n\t%+v, want\n\t%+v", got, want)
	}
}

// wantKeys fails the test unless these are the keys, in the order of their ids.
func (f *farm) wantKeys(what string, got []domain.APIKey, want ...domain.APIKey) {
	f.Helper()
	if len(got) != len(want) {
		f.Fatalf("%s: %d keys, want %d", what, len(got), len(want))
	}
	want = slices.SortedFunc(slices.Values(want), compareKeys)
	for i := range want {
		f.wantKey(got[i], want[i])
	}
}

func compareKeys(a, b domain.APIKey) int { return bytes.Compare(a.ID[:], b.ID[:]) }
