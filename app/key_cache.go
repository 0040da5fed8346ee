package app

import (
	"context"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// keysAge is how old what is known of the API keys may be: for so long, one that was revoked still lets in.
	keysAge = time.Second

	// keysPause lies between two reads of the API keys that tokens cause which nobody knows, so that whoever tries out
	// tokens costs the store at most ten reads a second.
	keysPause = 100 * time.Millisecond
)

// keyCache knows the API keys that are active, as a store told them at some time. It has no goroutine of its own: of
// those who ask it for something that it does not know, one reads the store and the others wait for that.
type keyCache struct {
	store ports.KeyStore

	mu      sync.Mutex
	known   knownKeys
	reading *keysRead // nil if nobody reads
	begun   int       // how many reads were begun
	latest  time.Time // when the latest of them was, by the process's clock
	had     bool      // there was a key; for good, because a store never forgets one
}

func newKeyCache(store ports.KeyStore) *keyCache { return &keyCache{store: store} }

// find returns the active key with this digest and the time of the store's clock, or [domain.ErrUnauthorized].
func (r *keyCache) find(ctx context.Context, digest domain.TokenDigest) (domain.APIKey, time.Time, error) {
	fresh := r.fresh()
	known, err := r.await(ctx, recent(), 0)
	if err != nil {
		return domain.APIKey{}, time.Time{}, err
	}
	if _, found := known.byDigest[digest]; !found { // it may be new
		if known, err = r.await(ctx, fresh, keysPause); err != nil {
			return domain.APIKey{}, time.Time{}, err
		}
	}
	key, found := known.byDigest[digest]
	now := known.storeTime()
	if !found || key.Status(now) != domain.KeyActive {
		return domain.APIKey{}, time.Time{}, domain.ErrUnauthorized
	}
	return key, now, nil
}

// any reports whether there is a key, be it active or not, as far as is known by keys that are enough.
func (r *keyCache) any(ctx context.Context, enough func(knownKeys) bool) (bool, error) {
	if r.everHad() {
		return true, nil
	}
	known, err := r.await(ctx, enough, 0)
	return known.any, err
}

func (r *keyCache) everHad() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.had
}

// recent tells which keys are new enough to let in who comes now.
func recent() func(knownKeys) bool {
	now := time.Now()
	return func(k knownKeys) bool { return k.read > 0 && now.Sub(k.asked) < keysAge }
}

// fresh tells which keys are read from now on.
func (r *keyCache) fresh() func(knownKeys) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.begun
	return func(k knownKeys) bool { return k.read > before }
}

// await returns keys that are enough. If they must be read for that, the read begins no earlier than a pause after the one
// before it began.
func (r *keyCache) await(ctx context.Context, enough func(knownKeys) bool, pause time.Duration) (knownKeys, error) {
	for {
		r.mu.Lock()
		known, read, wait := r.known, r.reading, pause-time.Since(r.latest)
		mine := !enough(known) && read == nil && wait <= 0
		if mine {
			read = r.begin()
		}
		r.mu.Unlock()

		var err error
		switch {
		case enough(known):
			return known, nil
		case mine:
			err = r.carryOut(ctx, read)
		case read != nil:
			err = read.await(ctx)
		default:
			err = sleep(ctx, wait)
		}
		if err != nil {
			return knownKeys{}, err
		}
	}
}

// begin begins a read. The mutex is locked.
func (r *keyCache) begin() *keysRead {
	r.begun++
	r.latest = time.Now()
	r.reading = &keysRead{number: r.begun, asked: r.latest, done: make(chan struct{})}
	return r.reading
}

func (r *keyCache) carryOut(ctx context.Context, read *keysRead) error {
	active, err := ports.ActiveKeys{}, ports.ErrUnavailable // should the store panic, nobody waits for it in vain
	defer func() { r.end(read, active, err, ctx.Err() != nil) }()
	active, err = r.store.ActiveKeys(ctx)
	return err
}

func (r *keyCache) end(read *keysRead, active ports.ActiveKeys, err error, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.known = read.found(active)
		r.had = r.had || active.Any
	}
	r.reading = nil
	read.err, read.gone = err, gone
	close(read.done)
}
