package app

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// knownKeys are the keys that were active when a read began. The zero value is of no read.
type knownKeys struct {
	read     int       // which one it was: the first is 1
	asked    time.Time // when it began, by the process's clock
	now      time.Time // of the store's clock, which may have been told any time later
	byDigest map[domain.TokenDigest]domain.APIKey
	any      bool // there is a key, be it active or not
}

// storeTime returns the time of the store's clock, or up to as much more as the read took: a key that has expired is never
// taken for an active one.
func (k knownKeys) storeTime() time.Time {
	return k.now.Add(time.Since(k.asked)).Truncate(time.Microsecond)
}

// keysRead is a read of the keys that is under way.
type keysRead struct {
	number int
	asked  time.Time
	done   chan struct{} // closed when it is over, with these:
	err    error
	gone   bool // whoever made it has gone, which may be why it failed
}

// await returns when the read is over, with its error unless another read may do better.
func (r *keysRead) await(ctx context.Context) error {
	select {
	case <-r.done:
		if r.gone {
			return nil
		}
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// found returns what is known by the read.
func (r *keysRead) found(active ports.ActiveKeys) knownKeys {
	byDigest := make(map[domain.TokenDigest]domain.APIKey, len(active.Keys))
	for _, key := range active.Keys {
		byDigest[key.Digest] = key
	}
	return knownKeys{read: r.number, asked: r.asked, now: active.Now, byDigest: byDigest, any: active.Any}
}
