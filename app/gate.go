package app

import (
	"context"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Gate implements [ports.Gate]. It caches the API keys for a second, so that most requests cost no read of the store.
type Gate struct {
	farm *Farm
	keys *keyCache
	open bool

	mu   sync.Mutex
	uses map[domain.APIKeyID]time.Time // the latest uses that are not recorded yet, by the store's clock
}

var _ ports.Gate = (*Gate)(nil)

// NewGate returns the gate of a farm. If it is open, it accepts callers without a token until the farm has its first API key.
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

// callerWithout returns the caller without a token, or [domain.ErrUnauthorized].
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

// RecordUses records in the store when API keys were used since its last call. If it fails, its next call tries again.
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
