package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// AddKey implements [ports.KeyStore].
func (s *Store) AddKey(ctx context.Context, build ports.BuildKey) (domain.APIKey, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return domain.APIKey{}, err
	}
	defer s.mu.Unlock()
	key, events, err := build(now)
	if err != nil {
		return domain.APIKey{}, err
	}
	at, found := s.searchKey(key.ID)
	if found || slices.ContainsFunc(s.keys, func(k domain.APIKey) bool { return k.Digest == key.Digest }) {
		return domain.APIKey{}, fmt.Errorf("memory: add key: %w", domain.ErrKeyExists)
	}
	s.keys = slices.Insert(s.keys, at, cloneKey(key))
	s.record(now, events)
	return key, nil
}

// FindKey implements [ports.KeyStore].
func (s *Store) FindKey(ctx context.Context, id domain.APIKeyID) (domain.APIKey, time.Time, error) {
	return s.ChangeKey(ctx, id, func(time.Time, *domain.APIKey) ([]domain.Event, error) { return nil, nil })
}

// ListKeys implements [ports.KeyStore].
func (s *Store) ListKeys(ctx context.Context, q ports.KeyQuery) (keys []domain.APIKey, now time.Time, more bool, err error) {
	now, err = s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, false, err
	}
	defer s.mu.Unlock()
	next, found := s.searchKey(q.After)
	if found {
		next++
	}
	last := min(next+q.Limit, len(s.keys))
	return cloneKeys(s.keys[next:last]), now, last < len(s.keys), nil
}

// ActiveKeys implements [ports.KeyStore].
func (s *Store) ActiveKeys(ctx context.Context) (ports.ActiveKeys, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return ports.ActiveKeys{}, err
	}
	defer s.mu.Unlock()
	active := ports.ActiveKeys{Now: now, Any: len(s.keys) > 0}
	for _, k := range s.keys {
		if k.Status(now) == domain.KeyActive {
			active.Keys = append(active.Keys, cloneKey(k))
		}
	}
	return active, nil
}

// ChangeKey implements [ports.KeyStore].
func (s *Store) ChangeKey(
	ctx context.Context, id domain.APIKeyID, decide ports.DecideKey,
) (domain.APIKey, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return domain.APIKey{}, time.Time{}, err
	}
	defer s.mu.Unlock()
	at, found := s.searchKey(id)
	if !found {
		return domain.APIKey{}, time.Time{}, fmt.Errorf("memory: key: %w", domain.ErrKeyNotFound)
	}
	key := cloneKey(s.keys[at])
	events, err := decide(now, &key)
	if err != nil {
		return domain.APIKey{}, time.Time{}, err
	}
	s.keys[at] = cloneKey(key)
	s.record(now, events)
	return key, now, nil
}

// NoteUses implements [ports.KeyStore].
func (s *Store) NoteUses(ctx context.Context, uses map[domain.APIKeyID]time.Time) error {
	if _, err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for id, used := range uses {
		if at, found := s.searchKey(id); found && used.After(s.keys[at].LastUsedAt) {
			s.keys[at].LastUsedAt = used
		}
	}
	return nil
}

// searchKey returns where the API key with this id is, or would be.
func (s *Store) searchKey(id domain.APIKeyID) (int, bool) {
	return slices.BinarySearchFunc(s.keys, id, func(k domain.APIKey, id domain.APIKeyID) int {
		return bytes.Compare(k.ID[:], id[:])
	})
}

// keyName returns the name of an API key; empty if there is none, or it is for more than the scope.
func (s *Store) keyName(id domain.APIKeyID, scope domain.Scope) string {
	if !s.coversKey(scope, id) {
		return ""
	}
	at, _ := s.searchKey(id)
	return s.keys[at].Name
}

// coversKey reports whether there is an API key, and a scope covers the key's.
func (s *Store) coversKey(scope domain.Scope, id domain.APIKeyID) bool {
	at, found := s.searchKey(id)
	return found && scope.Covers(s.keys[at].Scope)
}

func cloneKey(k domain.APIKey) domain.APIKey {
	k.Scope.Projects = slices.Clone(k.Scope.Projects)
	return k
}

func cloneKeys(keys []domain.APIKey) []domain.APIKey {
	cloned := make([]domain.APIKey, len(keys))
	for i, k := range keys {
		cloned[i] = cloneKey(k)
	}
	return cloned
}
