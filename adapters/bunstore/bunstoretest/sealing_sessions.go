package bunstoretest

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// addWithSession adds a user whose holder saved a session, and returns when.
func (s *subject) addWithSession(store *bunstore.Store, text string) (domain.UserID, time.Time) {
	s.Helper()
	id := s.add(store, 1)[0].ID()
	lease := domain.NewLeaseID()
	var saved domain.Session
	_, err := store.Update(s.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) (err error) {
		if _, err := domain.Grant(now, lease, domain.Terms{TTL: time.Hour}, users); err != nil {
			return err
		}
		saved, err = domain.SaveSession(now, lease, users, id, domain.NewSession{Text: domain.NewSecret(text)})
		return err
	})
	s.must(err)
	return id, saved.SavedAt
}

func (s *subject) wantSession(store *bunstore.Store, id domain.UserID, savedAt time.Time, want string) {
	s.Helper()
	text, err := store.SessionText(s.Context(), id, savedAt)
	if want == "" && errors.Is(err, domain.ErrSessionNotFound) {
		return
	}
	s.must(err)
	if text.Reveal() != want {
		s.Errorf("the session of %v is not the one that was saved", id)
	}
}

func sessionsResealed(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	type saved struct {
		id domain.UserID
		at time.Time
	}
	sessions := make([]saved, 45)
	for i := range sessions {
		sessions[i].id, sessions[i].at = s.addWithSession(store, fmt.Sprint("cookies ", i))
	}
	keys.set("new", "old")
	s.reseal(store)
	if err := store.RemoveSealingKey(s.Context(), "old"); !errors.Is(err, bunstore.ErrKeyInUse) {
		s.Errorf("removing the key of sessions = %v, want %v", err, bunstore.ErrKeyInUse)
	}
	s.wantSealed(store, bunstore.SealingKey{ID: "old", Sessions: len(sessions)})
	total := 0
	for {
		n, err := store.ResealSessions(s.Context())
		s.must(err)
		if n == 0 {
			break
		}
		total += n
	}
	if total != len(sessions) {
		s.Errorf("%d sessions were resealed, want %d", total, len(sessions))
	}
	s.must(store.RemoveSealingKey(s.Context(), "old"))
	keys.set("new")
	for i, saved := range sessions {
		s.wantSession(store, saved.id, saved.at, fmt.Sprint("cookies ", i))
	}
}

// What can't be opened is of no use to a holder, who can log in anew. A password, in contrast, could not be had again.
func sessionUnopened(s *subject) {
	keys := newRing("lost")
	store := s.start(keys)
	id, at := s.addWithSession(store, "cookies")
	keys.set("new")
	s.wantSession(store, id, at, "")
	n, err := store.ResealSessions(s.Context())
	s.must(err)
	if n != 1 {
		s.Errorf("%d sessions were resealed or dropped, want 1", n)
	}
	keys.set("lost")
	s.wantSession(store, id, at, "")
}
