// Package bunstoretest has the test suites of what the stores of bunstore do beyond the ports: they manage the keys that seal
// users, and their SQL states the rules of the domain.
package bunstoretest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Open opens the store of one database. A test may call it several times. The store is closed at the end of the test.
type Open func(sealer ports.Sealer) (*bunstore.Store, error)

// TestSealingKeys tests how a store manages the keys that seal users. newDatabase creates an empty database.
func TestSealingKeys(t *testing.T, newDatabase func(t *testing.T) Open) {
	t.Helper()
	for name, test := range map[string]func(*subject){
		"a new key is used at once":                                          newKey,
		"the old key can be removed after a reseal":                          resealed,
		"a user that can't be opened can be removed":                         unopenedRemoved,
		"a damaged user can get new secrets":                                 damaged,
		"a key can't be removed while a user is sealed with it":              inUse,
		"an import that waits is sealed again":                               importResealed,
		"a removed key is not required at the next start":                    removedAtStart,
		"no user is sealed with a removed key":                               removed,
		"a reseal loses no change of a user":                                 resealedUnderLoad,
		"sessions are resealed, too":                                         sessionsResealed,
		"a session that can't be opened is none, and a reseal drops it":      sessionUnopened,
		"a reseal names a user that can't be opened, and reseals the others": unopened,
	} {
		t.Run(name, func(t *testing.T) { test(&subject{T: t, open: newDatabase(t)}) })
	}
}

type subject struct {
	*testing.T
	open  Open
	users int
}

func (s *subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *subject) start(ring *ring) *bunstore.Store {
	s.Helper()
	store, err := s.open(ring)
	s.must(err)
	return store
}

// add adds n users, every third with a TOTP secret, and returns them.
func (s *subject) add(store *bunstore.Store, n int) (added []*domain.User) {
	s.Helper()
	for range n {
		user := s.build()
		s.must(store.Add(s.Context(), domain.Once{}, user))
		added = append(added, user)
	}
	return added
}

func (s *subject) tryAdd(store *bunstore.Store) error {
	return store.Add(s.Context(), domain.Once{}, s.build())
}

func (s *subject) build() *domain.User {
	s.Helper()
	s.users++
	now := time.Now().UTC().Truncate(time.Microsecond)
	spec := domain.Spec{
		Login:    fmt.Sprintf("user-%d", s.users),
		Password: domain.NewSecret(fmt.Sprintf("password %d", s.users)),
		Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop"},
	}
	if s.users%3 == 0 {
		totp, err := domain.ParseTOTP("JBSWY3DPEHPK3PXP")
		s.must(err)
		spec.TOTP = totp
	}
	user, err := domain.NewUser(domain.NewUserID(now), now, spec)
	s.must(err)
	return user
}

// wantSame fails the test unless the store has the secrets of these users.
func (s *subject) wantSame(store *bunstore.Store, users []*domain.User) {
	s.Helper()
	for _, u := range users {
		found, _, err := store.Find(s.Context(), ports.ByUser(u.ID()))
		s.must(err)
		if !found[0].SameAccount(u) {
			s.Errorf("the stored secrets of user %v differ", u.ID())
		}
	}
}

// wantKeys fails the test unless each of these keys seals this many users, and the database has no other keys.
func (s *subject) wantKeys(store *bunstore.Store, want map[string]int) {
	s.Helper()
	keys, err := store.SealingKeys(s.Context())
	s.must(err)
	got := make(map[string]int)
	for _, key := range keys {
		got[key.ID] = key.Users
		if key.FirstUsedAt.IsZero() {
			s.Errorf("key %s has no time of its first use", key.ID)
		}
	}
	if !maps.Equal(got, want) {
		s.Errorf("users by key are %v, want %v", got, want)
	}
}

// wantSealed fails the test unless so much is sealed with a key.
func (s *subject) wantSealed(store *bunstore.Store, want bunstore.SealingKey) {
	s.Helper()
	keys, err := store.SealingKeys(s.Context())
	s.must(err)
	for _, key := range keys {
		if key.FirstUsedAt = want.FirstUsedAt; key.ID == want.ID && key != want {
			s.Errorf("what is sealed with key %s is %+v, want %+v", key.ID, key, want)
		}
	}
}

// reseal reseals all users, and returns how many it resealed.
func (s *subject) reseal(store *bunstore.Store) (total int) {
	s.Helper()
	var after domain.UserID
	for {
		done, err := store.Reseal(s.Context(), after)
		s.must(err)
		total += done.Users
		if done.Last.IsZero() {
			return total
		}
		after = done.Last
	}
}

func newKey(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	users := s.add(store, 2)
	keys.set("new", "old")
	users = append(users, s.add(store, 1)...)
	_, err := store.Update(s.Context(), ports.ByUser(users[0].ID()), func(now time.Time, found []*domain.User) error {
		password := domain.NewSecret("another")
		return errors.Join(found[0].Change(now, domain.Change{Password: &password}), users[0].Change(now, domain.Change{Password: &password}))
	})
	s.must(err)
	s.wantSame(store, users)
	s.wantKeys(store, map[string]int{"old": 1, "new": 2})
}

func resealed(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	users := s.add(store, 203)
	keys.set("new", "old")
	if n := s.reseal(store); n != len(users) {
		s.Errorf("%d users were resealed, want %d", n, len(users))
	}
	if n := s.reseal(store); n != 0 {
		s.Errorf("%d users were resealed for a second time", n)
	}
	s.wantKeys(store, map[string]int{"old": 0, "new": len(users)})
	s.must(store.RemoveSealingKey(s.Context(), "old"))
	keys.set("new")
	s.wantSame(store, users)
	page, err := store.Events(s.Context(), ports.EventQuery{Limit: 1000})
	s.must(err)
	for _, e := range page.Events {
		if e.Kind != domain.UserCreated {
			s.Fatalf("the reseal recorded the event %+v: no user has changed", e.Event)
		}
	}
	s.wantKeys(store, map[string]int{"new": len(users)})
}

func inUse(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	s.add(store, 1)
	keys.set("new", "old")
	s.add(store, 1)
	for _, key := range []string{"old", "new"} {
		if err := store.RemoveSealingKey(s.Context(), key); !errors.Is(err, bunstore.ErrKeyInUse) {
			s.Errorf("removing key %s = %v, want %v", key, err, bunstore.ErrKeyInUse)
		}
	}
	s.must(store.RemoveSealingKey(s.Context(), "never there"))
	s.wantKeys(store, map[string]int{"old": 1, "new": 1})
}

func importResealed(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	chunk := ports.ImportChunk{
		ImportPlace: ports.ImportPlace{Import: domain.ImportKey{1}, FirstRow: 1}, Payload: domain.NewSecret("the rows"),
		Identities: []domain.Identity{{ProjectID: domain.ProjectID{1}, Env: "e", Login: "ann"}},
	}
	s.must(store.StageImport(s.Context(), chunk))
	keys.set("new", "old")
	if err := store.RemoveSealingKey(s.Context(), "old"); !errors.Is(err, bunstore.ErrKeyInUse) {
		s.Errorf("removing the key of an import = %v, want %v", err, bunstore.ErrKeyInUse)
	}
	s.wantSealed(store, bunstore.SealingKey{ID: "old", ImportParts: 1})
	s.reseal(store)
	s.must(store.RemoveSealingKey(s.Context(), "old"))
	keys.set("new")
	s.must(store.DecideImport(s.Context(), chunk.Import, 1))
	next, ok, err := store.NextChunk(s.Context(), chunk.Import, 0)
	s.must(err)
	if !ok || next.Payload != chunk.Payload {
		s.Errorf("the chunk is %+v, %t", next.ImportPlace, ok)
	}
}

func removedAtStart(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	users := s.add(store, 1)
	keys.set("new", "old")
	s.reseal(store)
	s.must(store.Close())
	if _, err := s.open(newRing("new")); !errors.Is(err, bunstore.ErrMissingKey) {
		s.Fatalf("start without the old key = %v, want %v", err, bunstore.ErrMissingKey)
	}
	store = s.start(newRing("new", "old"))
	s.must(store.RemoveSealingKey(s.Context(), "old"))
	s.must(store.Close())
	s.wantSame(s.start(newRing("new")), users)
}

func removed(s *subject) {
	keys, stale := newRing("old"), newRing("old")
	store := s.start(keys)
	users := s.add(store, 1)
	keys.set("new", "old")
	s.reseal(store)
	s.must(store.RemoveSealingKey(s.Context(), "old"))
	keys.set("new")

	// A farm that does not know the new key.
	keys.set("old")
	err := s.tryAdd(store)
	if !errors.Is(err, bunstore.ErrRemovedKey) || !errors.Is(err, ports.ErrUnavailable) {
		s.Errorf("sealing with a removed key = %v, want %v and %v", err, bunstore.ErrRemovedKey, ports.ErrUnavailable)
	}
	s.must(store.Close())
	stale.set("old", "new")
	if _, err := s.open(stale); !errors.Is(err, bunstore.ErrRemovedKey) {
		s.Errorf("start with a removed key = %v, want %v", err, bunstore.ErrRemovedKey)
	}

	keys.set("new")
	store = s.start(keys)
	users = append(users, s.add(store, 1)...)
	s.wantSame(store, users)
	s.wantKeys(store, map[string]int{"new": 2})
}

func resealedUnderLoad(s *subject) {
	keys := newRing("old")
	store := s.start(keys)
	users := s.add(store, 120)
	keys.set("new", "old")
	ctx, stop := context.WithCancel(s.Context())
	defer stop()
	var changing sync.WaitGroup
	for _, u := range users {
		changing.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				password := domain.NewSecret(fmt.Sprintf("password %v %d", u.ID(), i))
				_, err := store.Update(s.Context(), ports.ByUser(u.ID()), func(now time.Time, found []*domain.User) error {
					return found[0].Change(now, domain.Change{Password: &password})
				})
				if err != nil {
					s.Error(err)
					return
				}
				_ = u.Change(noon, domain.Change{Password: &password}) // the stored user accepted the same change
			}
		})
	}
	s.reseal(store)
	stop()
	changing.Wait()
	s.reseal(store)
	s.wantSame(store, users)
	s.wantKeys(store, map[string]int{"old": 0, "new": len(users)})
}

func unopenedRemoved(s *subject) {
	keys := newRing("lost")
	store := s.start(keys)
	lost := s.add(store, 1)
	keys.set("new")
	s.must(store.Remove(s.Context(), lost[0].ID(), func(now time.Time, users []*domain.User) error {
		return users[0].Remove(now, "")
	}))
	s.wantKeys(store, map[string]int{"lost": 0})
}

func damaged(s *subject) {
	keys := newRing("key")
	store := s.start(keys)
	users := s.add(store, 2)
	broken := users[0].ID()
	keys.damaged.Store(&broken)
	s.wantUnreadable(store, broken)
	s.must(s.repair(store, broken))
	keys.damaged.Store(nil)
	found, _, err := store.Find(s.Context(), ports.ByUser(broken))
	s.must(err)
	if !found[0].HasSecrets(another, domain.TOTP{}) {
		s.Error("the user does not have its new password")
	}
	s.wantSame(store, users[1:])
}

func unopened(s *subject) {
	keys := newRing("lost")
	store := s.start(keys)
	lost := s.add(store, 1)
	keys.set("old", "lost")
	users := s.add(store, 2)
	keys.set("new", "old")
	s.wantUnreadable(store, lost[0].ID())
	done, err := store.Reseal(s.Context(), domain.UserID{})
	s.must(err)
	if done.Users != 2 || len(done.Unopened) != 1 || done.Unopened[0] != lost[0].ID() {
		s.Errorf("the reseal returned %+v, want 2 users and %v unopened", done, lost[0].ID())
	}
	s.wantKeys(store, map[string]int{"lost": 1, "old": 0, "new": 2})
	s.wantSame(store, users)
	if err := s.repair(store, lost[0].ID()); !errors.Is(err, ports.ErrUnknownKey) {
		s.Errorf("new secrets for a user that an unknown key sealed = %v, want %v", err, ports.ErrUnknownKey)
	}
	keys.set("new", "lost")
	s.wantSame(store, lost)
}

// wantUnreadable fails the test unless the user is listed with the others, but can't be locked.
func (s *subject) wantUnreadable(store *bunstore.Store, id domain.UserID) {
	s.Helper()
	page, err := store.List(s.Context(), ports.Query{Limit: 10})
	s.must(err)
	if len(page.Users) != s.users {
		s.Errorf("%d users are listed, want %d", len(page.Users), s.users)
	}
	if _, err := store.List(s.Context(), ports.Query{Secrets: true, Limit: 10}); !errors.Is(err, ports.ErrUnsealable) {
		s.Errorf("a list with secrets = %v, want %v", err, ports.ErrUnsealable)
	}
	if _, _, err := store.Find(s.Context(), ports.ByUser(id)); err != nil {
		s.Errorf("the user by its id: %v", err)
	}
	_, err = store.Update(s.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		return users[0].LockOpen(now, 0)
	})
	unreadable, ok := errors.AsType[*ports.UnreadableError](err)
	if !ok || !errors.Is(err, ports.ErrUnsealable) || unreadable.ProjectID != (domain.ProjectID{1}) {
		s.Errorf("locking a user that can't be opened = %v", err)
	}
}

var another = domain.NewSecret("another")

// repair gives the user another password.
func (s *subject) repair(store *bunstore.Store, id domain.UserID) error {
	_, err := store.Update(s.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		return users[0].Change(now, domain.Change{Password: &another})
	})
	return err
}

// ring is a fake [ports.Sealer]. It does not encrypt, but opens only what was sealed with one of its keys. A test can change the
// keys.
type ring struct {
	keys    atomic.Pointer[[]string]
	damaged atomic.Pointer[domain.UserID] // a user that no key can open; nil if there is none
}

func newRing(keys ...string) *ring {
	r := new(ring)
	r.set(keys...)
	return r
}

func (r *ring) set(keys ...string) { r.keys.Store(&keys) }

// KeyIDs implements [ports.Sealer].
func (r *ring) KeyIDs() []string { return *r.keys.Load() }

// Seal implements [ports.Sealer].
func (r *ring) Seal(id domain.UserID, secret domain.Secret) (sealed []byte, key string, err error) {
	key = r.KeyIDs()[0]
	return []byte(key + "/" + id.String() + "/" + secret.Reveal()), key, nil
}

// Open implements [ports.Sealer].
func (r *ring) Open(id domain.UserID, sealed []byte) (domain.Secret, error) {
	if broken := r.damaged.Load(); broken != nil && *broken == id {
		return domain.Secret{}, ports.ErrUnsealable
	}
	for _, key := range r.KeyIDs() {
		if begin := key + "/" + id.String() + "/"; len(sealed) >= len(begin) && string(sealed[:len(begin)]) == begin {
			return domain.NewSecret(string(sealed[len(begin):])), nil
		}
	}
	return domain.Secret{}, ports.ErrUnknownKey
}
