package app

import (
	"context"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Gate implements [ports.Gate]. It asks the store for the API keys at most once a second, and besides for tokens that it
// does not know, so that a request costs no read: see [keyCache].
type Gate struct {
	farm *Farm
	keys *keyCache
	open bool

	mu   sync.Mutex
	uses map[domain.APIKeyID]time.Time // that are not written down yet, by the store's clock
}

var _ ports.Gate = (*Gate)(nil)

// NewGate returns the gate of a farm. It is open if a farm that never had an API key may be entered without one.
func NewGate(farm *Farm, open bool) *Gate {
	return &Gate{farm: farm, keys: newKeyCache(farm.store), open: open, uses: make(map[domain.APIKeyID]time.Time)}
}

// Enter implements [ports.Gate].
func (g *Gate) Enter(ctx context.Context, token domain.Token) (domain.Caller, ports.Farm, error) {
	caller, err := g.callerWith(ctx, token)
	if err != nil {
		return domain.Caller{}, nil, err
	}
	return caller, g.farm.For(caller), nil
}

func (g *Gate) callerWith(ctx context.Context, token domain.Token) (domain.Caller, error) {
	if token.IsZero() {
		return g.callerWithout(ctx)
	}
	key, now, err := g.keys.find(ctx, token.Digest())
	if err != nil {
		return domain.Caller{}, err
	}
	g.noteUse(key.ID, now)
	return key.Caller(), nil
}

// callerWithout returns who comes without a token.
func (g *Gate) callerWithout(ctx context.Context) (domain.Caller, error) {
	if !g.open {
		return domain.Caller{}, domain.ErrUnauthorized
	}
	keys, err := g.keys.hasAny(ctx, isRecent())
	if err != nil {
		return domain.Caller{}, err
	}
	if keys {
		return domain.Caller{}, domain.ErrUnauthorized
	}
	return domain.Everybody(), nil
}

// HasKeys reports whether the farm has, or ever had, an API key.
func (g *Gate) HasKeys(ctx context.Context) (bool, error) {
	return g.keys.hasAny(ctx, g.keys.fromNowOn())
}

func (g *Gate) noteUse(id domain.APIKeyID, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.After(g.uses[id]) {
		g.uses[id] = now
	}
}

// RecordUses writes down when API keys were used since it was called the last time. What it could not write it tries
// again then.
func (g *Gate) RecordUses(ctx context.Context) error {
	g.mu.Lock()
	uses := g.uses
	g.uses = make(map[domain.APIKeyID]time.Time)
	g.mu.Unlock()
	if len(uses) == 0 {
		return nil
	}
	err := g.farm.store.NoteUses(ctx, uses)
	if err != nil {
		for id, at := range uses {
			g.noteUse(id, at)
		}
	}
	return err
}
