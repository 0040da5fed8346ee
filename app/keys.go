package app

import (
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keysAtOnce is how many API keys are read from the store at a time.
const keysAtOnce = 1000

// CreateKey implements [ports.Keys].
func (f *Farm) CreateKey(ctx context.Context, spec domain.KeySpec) (domain.KeyView, domain.Token, error) {
	if err := domain.CheckKeySpec(spec); err != nil {
		return domain.KeyView{}, domain.Token{}, err
	}
	if !f.caller.Scope.Covers(spec.Scope) {
		return domain.KeyView{}, domain.Token{}, foreign("/projects")
	}
	if err := f.checkKeys(ctx); err != nil {
		return domain.KeyView{}, domain.Token{}, err
	}
	token := domain.NewToken()
	key, err := f.addKey(ctx, token, spec)
	if err != nil {
		return domain.KeyView{}, domain.Token{}, err
	}
	return key.View(key.CreatedAt), token, nil
}

// Key implements [ports.Keys].
func (f *Farm) Key(ctx context.Context, id domain.APIKeyID) (domain.KeyView, error) {
	key, now, err := f.store.FindKey(ctx, id)
	if err == nil {
		err = f.checkKey(key)
	}
	return viewKey(key, now, err)
}

// Keys implements [ports.Keys].
func (f *Farm) Keys(ctx context.Context, q ports.KeyQuery) (ports.KeyPage, error) {
	var page ports.KeyPage
	limit := limitOf(q.Limit)
	q.Limit = keysAtOnce // for every page, so that its duration tells little about keys outside of the caller's scope
	for more := true; more; {
		var keys []domain.APIKey
		var now time.Time
		var err error
		keys, now, more, err = f.store.ListKeys(ctx, q)
		if err != nil {
			return ports.KeyPage{}, err
		}
		for _, key := range keys {
			q.After = key.ID
			if f.checkKey(key) != nil {
				continue
			}
			if len(page.Keys) == limit {
				page.Next = page.Keys[limit-1].ID
				return page, nil
			}
			page.Keys = append(page.Keys, key.View(now))
		}
	}
	return page, nil
}

// RevokeKey implements [ports.Keys].
func (f *Farm) RevokeKey(ctx context.Context, id domain.APIKeyID, reason string) (domain.KeyView, error) {
	return viewKey(f.store.ChangeKey(ctx, id, func(now time.Time, key *domain.APIKey) ([]domain.Event, error) {
		if err := f.checkKey(*key); err != nil {
			return nil, err
		}
		return key.Revoke(now, f.caller.Key, reason)
	}))
}

// AdmitFirst adds an API key with this token for an admin of all projects, and reports whether it did. It changes nothing if
// there is a key with this token, even if that one was revoked.
func (f *Farm) AdmitFirst(ctx context.Context, token domain.Token) (added bool, err error) {
	_, err = f.addKey(ctx, token, domain.KeySpec{Name: "first admin", Role: domain.Admin})
	if errors.Is(err, domain.ErrKeyExists) {
		return false, nil
	}
	return err == nil, err
}

func (f *Farm) addKey(ctx context.Context, token domain.Token, spec domain.KeySpec) (domain.APIKey, error) {
	return f.store.AddKey(ctx, func(now time.Time) (domain.APIKey, []domain.Event, error) {
		key, err := f.caller.NewAPIKey(now, token, spec)
		return key, key.Created(spec.Reason), err
	})
}

// checkKeys returns [domain.ErrTooManyKeys] if the caller may not create another key. Concurrent calls may exceed the limit
// by a few keys.
func (f *Farm) checkKeys(ctx context.Context) error {
	active, err := f.store.ActiveKeys(ctx)
	if err != nil {
		return err
	}
	return domain.CheckRoomForKey(f.caller, active.Keys)
}

// checkKey returns [domain.ErrKeyNotFound] if the caller's scope does not cover the key's.
func (f *Farm) checkKey(key domain.APIKey) error {
	if !f.caller.Scope.Covers(key.Scope) {
		return domain.ErrKeyNotFound
	}
	return nil
}

// viewKey returns the view of a key. For a key that does not exist and for a key outside of the caller's scope it returns
// exactly the same error, so that the caller can't tell them apart.
func viewKey(key domain.APIKey, now time.Time, err error) (domain.KeyView, error) {
	if errors.Is(err, domain.ErrKeyNotFound) {
		err = domain.ErrKeyNotFound
	}
	if err != nil {
		return domain.KeyView{}, err
	}
	return key.View(now), nil
}
