package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// keysAge is how old the cached API keys may be. A revoked key is accepted for that long.
	keysAge = time.Second

	// unknownTokenPause is the least time between the starts of two reads for tokens that are not in the cache. So guessing
	// tokens costs the store at most ten reads a second.
	unknownTokenPause = 100 * time.Millisecond
)

// errCallerLeft ends a read whose caller left before the read succeeded. Callers that shared the read start another one.
var errCallerLeft = errors.New("the caller of the read left")

// keyCache caches the active API keys of a store. Concurrent callers share reads of the store.
type keyCache struct {
	store ports.KeyStore
	reads singleflight.Group

	mu     sync.Mutex
	cached keysRead  // the latest read that succeeded
	begun  int       // how many reads began
	latest time.Time // when the latest of them began, by the process clock
}

// keysRead is the result of a read of the keys. The zero value is no read.
type keysRead struct {
	number   int       // the first read is 1
	began    time.Time // by the process clock
	storeNow time.Time // the time of the store's clock at some moment of the read
	byDigest map[domain.TokenDigest]domain.APIKey
	any      bool // the store has, or had, a key
}

func newKeyCache(store ports.KeyStore) *keyCache { return &keyCache{store: store} }

// find returns the active key with this digest and the time of the store's clock. It returns [domain.ErrUnauthorized] if
// there is none, and the errors of the store.
func (c *keyCache) find(ctx context.Context, digest domain.TokenDigest) (domain.APIKey, time.Time, error) {
	isNew := c.fromNowOn()
	keys, err := c.await(ctx, isRecent(), 0)
	if _, found := keys.byDigest[digest]; err == nil && !found { // the key may be new
		keys, err = c.await(ctx, isNew, unknownTokenPause)
	}
	if err != nil {
		return domain.APIKey{}, time.Time{}, err
	}
	// This is the store's time, or later by at most the duration of the read: an expired key is never taken for an active one.
	now := keys.storeNow.Add(time.Since(keys.began)).Truncate(time.Microsecond)
	key, found := keys.byDigest[digest]
	if !found || key.Status(now) != domain.KeyActive {
		return domain.APIKey{}, time.Time{}, domain.ErrUnauthorized
	}
	return key, now, nil
}

// hasAny reports whether the store has, or ever had, a key. It needs a good read only as long as it knows of none, because
// stores remember keys forever.
func (c *keyCache) hasAny(ctx context.Context, good func(keysRead) bool) (bool, error) {
	read, err := c.await(ctx, func(r keysRead) bool { return r.any || good(r) }, 0)
	return read.any, err
}

// isRecent accepts reads that are young enough to authenticate a caller now.
func isRecent() func(keysRead) bool {
	now := time.Now()
	return func(r keysRead) bool { return r.number > 0 && now.Sub(r.began) < keysAge }
}

// fromNowOn accepts reads that begin after this call.
func (c *keyCache) fromNowOn() func(keysRead) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.begun
	return func(r keysRead) bool { return r.number > before }
}

// await returns a read that is good: the cached one, or else a new one, which it shares with the callers that await with
// the same pause.
func (c *keyCache) await(ctx context.Context, good func(keysRead) bool, pause time.Duration) (keysRead, error) {
	for {
		if cached := c.latestRead(); good(cached) {
			return cached, nil
		}
		if err := ctx.Err(); err != nil {
			return keysRead{}, err
		}
		shared := c.reads.DoChan(pause.String(), func() (any, error) {
			if good(c.latestRead()) { // a read has ended since this caller looked
				return nil, nil
			}
			return nil, c.read(ctx, pause)
		})
		select {
		case <-ctx.Done():
			return keysRead{}, ctx.Err()
		case result := <-shared:
			panicAgain(result.Err)
			if result.Err != nil && !errors.Is(result.Err, errCallerLeft) {
				return keysRead{}, result.Err
			}
		}
	}
}

func (c *keyCache) latestRead() keysRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cached
}

// read reads the keys into the cache. It begins when the latest read began at least a pause ago.
func (c *keyCache) read(ctx context.Context, pause time.Duration) (err error) {
	defer catchPanic(&err)
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errCallerLeft
		}
	}()
	read, wait := c.begin(pause)
	for wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		read, wait = c.begin(pause)
	}
	active, err := c.store.ActiveKeys(ctx)
	if err != nil {
		return err
	}
	read.storeNow, read.any = active.Now, active.Any
	read.byDigest = make(map[domain.TokenDigest]domain.APIKey, len(active.Keys))
	for _, key := range active.Keys {
		read.byDigest[key.Digest] = key
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if read.number > c.cached.number {
		c.cached = read
	}
	return nil
}

// begin returns the read that begins now, or how long to wait before one may begin.
func (c *keyCache) begin(pause time.Duration) (keysRead, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if wait := pause - now.Sub(c.latest); wait > 0 {
		return keysRead{}, wait
	}
	c.begun, c.latest = c.begun+1, now
	return keysRead{number: c.begun, began: now}, 0
}
