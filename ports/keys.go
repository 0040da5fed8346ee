package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Keys keeps the API keys. Callers know of those keys whose scope theirs covers; methods that take an id return
// [domain.ErrKeyNotFound] for others.
type Keys interface {
	// CreateKey makes an API key. Its token is told this once, and kept nowhere. It returns [domain.ErrTooManyKeys], and
	// [domain.ErrForbidden] for a key that would outlive the caller's or be for projects out of its scope.
	CreateKey(ctx context.Context, spec domain.KeySpec) (domain.KeyView, domain.Token, error)

	// Key returns one API key, also one that has expired or was revoked.
	Key(ctx context.Context, id domain.APIKeyID) (domain.KeyView, error)

	// Keys returns a page of the API keys, oldest first, also of those that have expired or were revoked.
	Keys(ctx context.Context, q KeyQuery) (KeyPage, error)

	// RevokeKey ends an API key for good: within two seconds it lets nobody in, wherever they ask. It does nothing to one
	// that was revoked before.
	RevokeKey(ctx context.Context, id domain.APIKeyID) (domain.KeyView, error)
}

// KeyQuery says which API keys to return.
type KeyQuery struct {
	After domain.APIKeyID // only those with a higher id
	Limit int             // the most to return, at least 1
}

// KeyPage is a part of a list of API keys.
type KeyPage struct {
	Keys []domain.KeyView
	Next domain.APIKeyID // the After of the next page's query; zero if this is the last page
}

// KeyStore keeps the API keys. It never forgets one.
type KeyStore interface {
	// AddKey keeps the key that build returns, or returns its error. now is the time of the store's clock. It returns
	// [domain.ErrKeyExists] if there is a key with the same digest.
	AddKey(ctx context.Context, build func(now time.Time) (domain.APIKey, error)) (domain.APIKey, error)

	// FindKey returns a key and the time of the store's clock, or [domain.ErrKeyNotFound].
	FindKey(ctx context.Context, id domain.APIKeyID) (domain.APIKey, time.Time, error)

	// ListKeys returns keys in the order of their ids, which is the order of their creation; and whether there are more after
	// the last one.
	ListKeys(ctx context.Context, q KeyQuery) (keys []domain.APIKey, now time.Time, more bool, err error)

	// ActiveKeys returns the keys that are active by the store's clock.
	ActiveKeys(ctx context.Context) (ActiveKeys, error)

	// ChangeKey writes what decide made of a key. It returns [domain.ErrKeyNotFound], or the error of decide, and then has
	// changed nothing.
	ChangeKey(
		ctx context.Context, id domain.APIKeyID, decide func(now time.Time, key *domain.APIKey) error,
	) (domain.APIKey, time.Time, error)

	// NoteUses writes down when keys were used, unless they were used later. It passes over keys that are not there.
	NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error
}

// ActiveKeys are the keys that let callers in.
type ActiveKeys struct {
	Keys []domain.APIKey
	Now  time.Time // the time of the store's clock
	Any  bool      // there is a key, be it active or not
}
