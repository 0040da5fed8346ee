package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// keepSession keeps the session of a user, or that it has none, and returns the user without the text of the session.
func (s *Store) keepSession(u *domain.User) *domain.User {
	state := u.Snapshot()
	if state.Session == nil {
		delete(s.sessions, state.ID)
		return u
	}
	s.sessions[state.ID] = *state.Session
	state.Session.Text = domain.Secret{}
	return domain.Restore(state)
}

// SessionText implements [ports.SessionStore].
func (s *Store) SessionText(ctx context.Context, id domain.UserID, savedAt time.Time) (domain.Secret, error) {
	if _, err := s.begin(ctx); err != nil {
		return domain.Secret{}, err
	}
	defer s.mu.Unlock()
	saved, found := s.sessions[id]
	if !found || !saved.SavedAt.Equal(savedAt) {
		return domain.Secret{}, fmt.Errorf("memory: read session: %w", domain.ErrSessionNotFound)
	}
	return saved.Text, nil
}

// forgetSessions deletes the sessions that have expired.
func (s *Store) forgetSessions(now time.Time) {
	for id, saved := range s.sessions {
		if !saved.ExpiresAt.IsZero() && !now.Before(saved.ExpiresAt) {
			delete(s.sessions, id)
		}
	}
}
