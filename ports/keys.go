package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Keys manages the API keys. Only keys whose scope the caller's scope covers exist for the caller: methods that take an id
// return [domain.ErrKeyNotFound] for the others.
type Keys interface {
	// CreateKey creates an API key, and returns its token this one time: the token is stored nowhere. It returns
	// [domain.ErrTooManyKeys], and [domain.ErrForbidden] for a key that would outlive the caller's key or have projects
	// outside of the caller's scope.
	CreateKey(ctx context.Context, spec domain.KeySpec) (domain.KeyView, domain.Token, error)

	// Key returns one API key, which may have expired or been revoked.
	Key(ctx context.Context, id domain.APIKeyID) (domain.KeyView, error)

	// Keys returns a page of the API keys, oldest first, including those that have expired or were revoked.
	Keys(ctx context.Context, q KeyQuery) (KeyPage, error)

	// RevokeKey revokes an API key forever. Every replica rejects the key within two seconds. The reason may be empty. It does
	// nothing if the key was revoked before.
	RevokeKey(ctx context.Context, id domain.APIKeyID, reason string) (domain.KeyView, error)
}

// KeyQuery says which API keys to return.
type KeyQuery struct {
	After domain.APIKeyID // only keys with a higher id
	Limit int             // the most keys to return; 0 asks a use case for 100, and a store needs at least 1
}

// KeyPage is one page of a list of API keys.
type KeyPage struct {
	Keys []domain.KeyView
	Next domain.APIKeyID // After of the query for the next page; zero on the last page
}

// KeyStore stores the API keys. It never deletes one.
type KeyStore interface {
	// AddKey stores the key that build returns, and records its events, or returns the error of build. now is the time of the
	// store's clock. It returns [domain.ErrKeyExists] if there is a key with the same digest.
	AddKey(ctx context.Context, build BuildKey) (domain.APIKey, error)

	// FindKey returns a key and the time of the store's clock, or [domain.ErrKeyNotFound].
	FindKey(ctx context.Context, id domain.APIKeyID) (domain.APIKey, time.Time, error)

	// ListKeys returns keys in the order of their ids, which is the order of their creation, the time of the store's clock,
	// and whether there are more keys after the last one.
	ListKeys(ctx context.Context, q KeyQuery) (keys []domain.APIKey, now time.Time, more bool, err error)

	// ActiveKeys returns the keys that are active by the store's clock.
	ActiveKeys(ctx context.Context) (ActiveKeys, error)

	// ChangeKey writes a key as decide has changed it, and records the events of decide. It returns [domain.ErrKeyNotFound] or the
	// error of decide, and then changes nothing.
	ChangeKey(ctx context.Context, id domain.APIKeyID, decide DecideKey) (domain.APIKey, time.Time, error)

	// NoteUses records when keys were used, unless a later use is recorded. It ignores ids of keys that do not exist.
	NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error
}

// BuildKey returns a new API key and the events that record it.
type BuildKey = func(now time.Time) (domain.APIKey, []domain.Event, error)

// DecideKey changes an API key, and returns the events that record it.
type DecideKey = func(now time.Time, key *domain.APIKey) ([]domain.Event, error)

// ActiveKeys are the keys that authenticate callers.
type ActiveKeys struct {
	Keys []domain.APIKey
	Now  time.Time // the time of the store's clock
	Any  bool      // the store has a key, active or not
}
