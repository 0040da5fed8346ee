package http

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/userfarm/userfarm/domain"
)

// rateMemory is for how long an API key is remembered that is not used. It is long enough for every key to have all its
// requests back by then.
const rateMemory = time.Minute

// rateLimit bounds how many requests a second come with one API key.
type rateLimit struct {
	most int // 0 for any number

	mu    sync.Mutex
	keys  map[domain.APIKeyID]*keyRate
	swept time.Time // when unused keys were last forgotten
}

// keyRate is what is known of one API key.
type keyRate struct {
	*rate.Limiter
	used time.Time
}

func newRateLimit(most int) *rateLimit {
	return &rateLimit{most: most, keys: make(map[domain.APIKeyID]*keyRate)}
}

// take counts a request of a caller. It returns errRateLimited if that is one too many. Callers without a key have no limit:
// nothing tells one from another.
func (l *rateLimit) take(caller domain.Caller) error {
	if l.most == 0 || caller.Key.IsZero() {
		return nil
	}
	if now := time.Now(); l.of(caller.Key, now).AllowN(now, 1) {
		return nil
	}
	return explain(errRateLimited,
		"An API key may send %d requests a second to one replica of the farm, and as many at once. This one sent more.", l.most)
}

// of returns what is known of a key.
func (l *rateLimit) of(key domain.APIKeyID, now time.Time) *keyRate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) >= rateMemory {
		l.forget(now)
	}
	known, ok := l.keys[key]
	if !ok {
		known = &keyRate{Limiter: rate.NewLimiter(rate.Limit(l.most), l.most)}
		l.keys[key] = known
	}
	known.used = now
	return known
}

// forget forgets the keys that were not used for a while, so that there are never more than were used in twice that time.
func (l *rateLimit) forget(now time.Time) {
	l.swept = now
	for key, known := range l.keys {
		if now.Sub(known.used) >= rateMemory {
			delete(l.keys, key)
		}
	}
}
