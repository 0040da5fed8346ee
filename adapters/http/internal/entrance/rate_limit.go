package entrance

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// rateMemory is the time after which an unused API key is forgotten. By then the key may send all its requests again, so
// forgetting it changes nothing.
const rateMemory = time.Minute

// rateLimit limits the requests per second of each API key.
type rateLimit struct {
	most int // 0 for no limit

	mu    sync.Mutex
	keys  map[domain.APIKeyID]*keyRate
	swept time.Time // when unused keys were last forgotten
}

// keyRate is the state of one API key.
type keyRate struct {
	*rate.Limiter
	used time.Time
}

func newRateLimit(most int) *rateLimit {
	return &rateLimit{most: most, keys: make(map[domain.APIKeyID]*keyRate)}
}

// take counts a request of a caller. It returns [problem.ErrRateLimited] above the limit. Callers without a key have no
// limit, because the server can't tell them apart.
func (l *rateLimit) take(caller domain.Caller) error {
	if l.most == 0 || caller.Key.IsZero() {
		return nil
	}
	if now := time.Now(); l.of(caller.Key, now).AllowN(now, 1) {
		return nil
	}
	return problem.Explain(problem.ErrRateLimited,
		"An API key may send %d requests a second to one replica of the farm, and as many at once. This one sent more.", l.most)
}

// of returns the state of a key.
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

// forget forgets unused keys. The keys in memory are at most those that were used within twice rateMemory.
func (l *rateLimit) forget(now time.Time) {
	l.swept = now
	for key, known := range l.keys {
		if now.Sub(known.used) >= rateMemory {
			delete(l.keys, key)
		}
	}
}
