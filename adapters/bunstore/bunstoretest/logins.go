package bunstoretest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/login"
	"github.com/userfarm/userfarm/ports"
)

// OpenWith opens the store of one database, again and again. The store ends with the test at the latest.
type OpenWith func(sealer ports.Sealer, logins bunstore.Logins) (*bunstore.Store, error)

var (
	caseSensitive   = login.Rule{CaseSensitive: true}
	caseInsensitive = login.Rule{}
)

// TestLogins tests what becomes of users when a farm is started with another rule for its logins. newDatabase makes an empty
// database.
func TestLogins(t *testing.T, newDatabase func(t *testing.T) OpenWith) {
	t.Helper()
	for name, test := range map[string]func(*loginSubject){
		"all but the oldest user of an account go into quarantine, and none is lost":   quarantined,
		"a start with the same rule changes nothing":                                   sameRule,
		"a duplicate can't be restored until the older user is removed":                restored,
		"a duplicate can be removed":                                                   duplicateRemoved,
		"duplicates that are removed at the same time leave no account without a user": duplicatesRemovedTogether,
		"a case-sensitive farm can restore the duplicates":                             madeSensitive,
		"a rule that goes back and forth loses nobody":                                 backAndForth,
		"a user that was in quarantine before is a duplicate like any other":           quarantinedBefore,
		"old logins with something invisible at their ends are the same account":       invisibleEnds,
		"a duplicate keeps its holder":                                                 held,
		"a duplicate is out of circulation even if its secrets can't be read":          unreadableDuplicate,
		"users of other projects and environments are other accounts":                  otherPools,
		"many duplicates are counted, and some are named":                              manyDuplicates,
	} {
		t.Run(name, func(t *testing.T) { test(&loginSubject{T: t, open: newDatabase(t), ring: newRing("a")}) })
	}
}

type loginSubject struct {
	*testing.T
	open  OpenWith
	ring  *ring
	users int

	store    *bunstore.Store
	number   int // of duplicates, as the latest start reported them
	reported []bunstore.Duplicate
}

func (s *loginSubject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// start closes the store, and opens it with a rule.
func (s *loginSubject) start(rule login.Rule) {
	s.Helper()
	if s.store != nil {
		s.must(s.store.Close())
	}
	s.number, s.reported = 0, nil
	var err error
	s.store, err = s.open(s.ring, bunstore.Logins{Rule: rule, Report: func(number int, some []bunstore.Duplicate) {
		s.number, s.reported = number, some
	}})
	s.must(err)
}

var loginPool = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop"}

func (s *loginSubject) build(pool domain.Pool, text string) *domain.User {
	s.Helper()
	s.users++
	born := time.Date(2026, 11, 25, 12, 0, 0, s.users*1000, time.UTC) // each is younger than the one before
	user, err := domain.NewUser(domain.NewUserID(born), born, domain.Spec{
		Login: text, Password: domain.NewSecret("password of " + text), Pool: pool,
	})
	s.must(err)
	return user
}

// add adds users, the oldest first.
func (s *loginSubject) add(logins ...string) []domain.UserID {
	s.Helper()
	var ids []domain.UserID
	for _, text := range logins {
		user := s.build(loginPool, text)
		s.must(s.store.Add(s.Context(), domain.Once{}, user))
		ids = append(ids, user.ID())
	}
	return ids
}

func (s *loginSubject) find(id domain.UserID) (user *domain.User, now time.Time) {
	s.Helper()
	users, now, err := s.store.Find(s.Context(), ports.ByUser(id))
	s.must(err)
	return users[0], now
}

func (s *loginSubject) wantStatus(id domain.UserID, want domain.Status) {
	s.Helper()
	user, now := s.find(id)
	if got := user.Status(now); got != want {
		s.Errorf("%s is %s, want %s", user.Snapshot().Login, got, want)
	}
}

func (s *loginSubject) restore(id domain.UserID) error {
	_, err := s.store.Update(s.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
		return users[0].Restore(now, "")
	})
	return err
}

func (s *loginSubject) remove(id domain.UserID) {
	s.Helper()
	s.must(s.store.Remove(s.Context(), id, func(now time.Time, users []*domain.User) error { return users[0].Remove(now, "") }))
}

// claim acquires one user by its id.
func (s *loginSubject) claim(id domain.UserID) error {
	_, err := s.store.Claim(s.Context(), ports.Claim{
		Want:   []domain.Selector{{UserID: id}},
		Decide: func(now time.Time, users []*domain.User) error { return users[0].LockOpen(now, time.Minute) },
	})
	return err
}

// events returns how many events of a kind a user has.
func (s *loginSubject) events(id domain.UserID, kind domain.EventKind) int {
	s.Helper()
	page, err := s.store.Events(s.Context(), ports.EventQuery{UserID: id, Limit: 100})
	s.must(err)
	return len(slices.DeleteFunc(page.Events, func(e ports.RecordedEvent) bool { return e.Kind != kind }))
}

func quarantined(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann", "ben", "ANN", "Zoe\u0308", "zo\u00eb", "cid")
	s.start(caseInsensitive)
	older := map[domain.UserID]domain.UserID{ids[1]: ids[0], ids[3]: ids[0], ids[5]: ids[4]}
	for _, id := range ids {
		user, now := s.find(id)
		of, duplicate := older[id]
		if !duplicate {
			s.wantStatus(id, domain.Free)
			continue
		}
		view := user.View(now)
		if view.Quarantine == nil || !strings.Contains(view.Quarantine.Reason, of.String()) || user.Snapshot().Password.Reveal() == "" {
			s.Errorf("%s is %+v", view.Login, view)
		}
		if n := s.events(id, domain.UserQuarantined); n != 1 {
			s.Errorf("%s has %d events of its quarantine, want 1", view.Login, n)
		}
		if err := s.claim(id); !errors.Is(err, domain.ErrUserQuarantined) {
			s.Errorf("claim of %s = %v", view.Login, err)
		}
	}
	want := []bunstore.Duplicate{
		{User: ids[1], Older: ids[0], Login: "Ann"}, {User: ids[3], Older: ids[0], Login: "ANN"}, {User: ids[5], Older: ids[4], Login: "zo\u00eb"},
	}
	if s.number != 3 || !slices.Equal(s.reported, want) {
		s.Errorf("reported are %d: %v, want %v", s.number, s.reported, want)
	}
	if err := s.store.Add(s.Context(), domain.Once{}, s.build(loginPool, "aNN")); !errors.Is(err, domain.ErrUserExists) {
		s.Errorf("another spelling of a login that is there three times = %v", err)
	}
	page, err := s.store.List(s.Context(), ports.Query{Login: "aNn", Limit: 10})
	if err != nil || len(page.Users) != 3 {
		s.Errorf("the login finds %d users (%v), want all 3", len(page.Users), err)
	}
}

func sameRule(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann")
	s.start(caseInsensitive)
	s.start(caseInsensitive)
	if s.number != 0 || s.events(ids[1], domain.UserQuarantined) != 1 {
		s.Errorf("the second start reported %d duplicates", s.number)
	}
	s.wantStatus(ids[0], domain.Free)
	s.wantStatus(ids[1], domain.Quarantined)
}

func restored(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann", "ANN")
	s.start(caseInsensitive)
	for _, id := range ids[1:] {
		if err := s.restore(id); !errors.Is(err, domain.ErrUserExists) {
			s.Errorf("restore of a duplicate = %v", err)
		}
		s.wantStatus(id, domain.Quarantined)
	}
	s.remove(ids[0])
	if err := s.store.Add(s.Context(), domain.Once{}, s.build(loginPool, "ann")); !errors.Is(err, domain.ErrUserExists) {
		s.Errorf("the login of a removed user that a duplicate has, too, = %v", err)
	}
	if err := s.restore(ids[2]); !errors.Is(err, domain.ErrUserExists) {
		s.Errorf("restore of the younger duplicate = %v", err)
	}
	s.wantStatus(ids[1], domain.Quarantined)
	s.must(s.restore(ids[1]))
	s.must(s.claim(ids[1]))

	s.start(caseInsensitive)
	s.wantStatus(ids[1], domain.Locked)
}

func duplicateRemoved(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann", "ANN")
	s.start(caseInsensitive)
	s.remove(ids[1])
	s.wantStatus(ids[0], domain.Free)
	if err := s.restore(ids[2]); !errors.Is(err, domain.ErrUserExists) {
		s.Errorf("restore of the other duplicate = %v", err)
	}
	s.remove(ids[2])
	s.remove(ids[0])
	s.add("aNN")
}

// duplicatesRemovedTogether removes users of one account at the same time, as a clean-up script with several workers does.
func duplicatesRemovedTogether(s *loginSubject) {
	const accounts = 30
	s.start(caseSensitive)
	var ids [][]domain.UserID
	for i := range accounts {
		ids = append(ids, s.add(fmt.Sprintf("ann-%d", i), fmt.Sprintf("Ann-%d", i), fmt.Sprintf("ANN-%d", i), fmt.Sprintf("aNN-%d", i)))
	}
	s.start(caseInsensitive)
	for i, users := range ids {
		var removals sync.WaitGroup
		for _, id := range users[:3] {
			removals.Go(func() {
				err := s.store.Remove(s.Context(), id, func(now time.Time, users []*domain.User) error { return users[0].Remove(now, "") })
				if err != nil {
					s.Error(err)
				}
			})
		}
		removals.Wait()
		last := users[3]
		if err := s.store.Add(s.Context(), domain.Once{}, s.build(loginPool, fmt.Sprintf("ann-%d", i))); !errors.Is(err, domain.ErrUserExists) {
			s.Fatalf("a login that a duplicate has = %v", err)
		}
		if err := s.restore(last); err != nil {
			s.Fatalf("the last user of an account can't be restored: %v", err)
		}
		s.must(s.claim(last))
	}
}

func backAndForth(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann", "ANN", "ben")
	s.start(caseInsensitive)
	s.remove(ids[0])
	s.start(caseSensitive)
	for i, status := range map[int]domain.Status{1: domain.Quarantined, 2: domain.Quarantined, 3: domain.Free} {
		s.wantStatus(ids[i], status)
	}
	s.must(s.restore(ids[2]))
	older := s.add("ann")[0] // younger than the others
	s.start(caseInsensitive)
	if s.number != 2 {
		s.Errorf("%d new duplicates, want 2", s.number)
	}
	s.wantStatus(ids[1], domain.Quarantined) // since the first start: nobody restored it
	s.wantStatus(ids[2], domain.Quarantined)
	s.wantStatus(older, domain.Quarantined)
	s.must(s.restore(ids[1]))
	for _, id := range []domain.UserID{ids[2], older} {
		if err := s.restore(id); !errors.Is(err, domain.ErrUserExists) {
			s.Errorf("restore of a duplicate = %v", err)
		}
	}
}

func quarantinedBefore(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann", "ben", "Ben")
	for _, id := range []domain.UserID{ids[1], ids[2]} { // a duplicate, and the oldest user of an account
		_, err := s.store.Update(s.Context(), ports.ByUser(id), func(now time.Time, users []*domain.User) error {
			return users[0].Quarantine(now, "broken")
		})
		s.must(err)
	}
	s.start(caseInsensitive)
	for _, id := range []domain.UserID{ids[1], ids[3]} {
		if err := s.restore(id); !errors.Is(err, domain.ErrUserExists) {
			s.Errorf("restore of a duplicate = %v", err)
		}
	}
	s.must(s.restore(ids[2]))
	s.must(s.claim(ids[2]))
	s.remove(ids[0])
	s.must(s.restore(ids[1]))
}

// invisibleEnds has users that were added before such logins were rejected.
func invisibleEnds(s *loginSubject) {
	s.start(caseSensitive)
	for i, login := range []string{" ann", "ann\u200b", "\ufeffben\u00a0", "ben"} {
		state := s.build(loginPool, fmt.Sprint("user-", i)).Snapshot()
		state.Login = login
		err := s.store.Add(s.Context(), domain.Once{}, domain.Restore(state))
		if taken := i%2 == 1; taken != errors.Is(err, domain.ErrUserExists) || !taken && err != nil {
			s.Errorf("%+q = %v", login, err)
		}
	}
	for _, login := range []string{"ann", "\u00a0ann ", "ben"} {
		page, err := s.store.List(s.Context(), ports.Query{Login: login, Limit: 10})
		if err != nil || len(page.Users) != 1 {
			s.Errorf("%+q finds %d users (%v), want 1", login, len(page.Users), err)
		}
	}
}

func madeSensitive(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann")
	s.start(caseInsensitive)
	s.start(caseSensitive)
	s.wantStatus(ids[1], domain.Quarantined)
	s.must(s.restore(ids[1]))
	s.must(s.claim(ids[1]))
	s.add("ANN")

	s.start(caseInsensitive)
	if s.number != 2 {
		s.Errorf("%d duplicates, want 2", s.number)
	}
}

func held(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann")
	lease := domain.NewLeaseID()
	_, err := s.store.Claim(s.Context(), ports.Claim{
		Want: []domain.Selector{{UserID: ids[1]}},
		Decide: func(now time.Time, users []*domain.User) error {
			_, err := domain.Grant(now, lease, domain.Terms{TTL: time.Hour}, users)
			return err
		},
	})
	s.must(err)
	s.start(caseInsensitive)
	user, now := s.find(ids[1])
	if view := user.View(now); view.Lock == nil || view.Status != domain.Quarantined {
		s.Errorf("a held duplicate is %+v", view)
	}
	_, err = s.store.Update(s.Context(), ports.ByLease(lease.Digest()), func(now time.Time, users []*domain.User) error {
		return domain.Release(now, lease, users)
	})
	s.must(err)
	if err := s.claim(ids[1]); !errors.Is(err, domain.ErrUserQuarantined) {
		s.Errorf("claim of a released duplicate = %v", err)
	}
}

func unreadableDuplicate(s *loginSubject) {
	s.start(caseSensitive)
	ids := s.add("ann", "Ann")
	s.ring.damaged.Store(&ids[1])
	s.start(caseInsensitive)
	s.wantStatus(ids[1], domain.Quarantined)
	s.ring.damaged.Store(nil)
	if user, _ := s.find(ids[1]); user.Snapshot().Password.Reveal() != "password of Ann" {
		s.Error("the secrets of a duplicate were lost")
	}
	if err := s.claim(ids[1]); !errors.Is(err, domain.ErrUserQuarantined) {
		s.Errorf("claim of a duplicate that can be read again = %v", err)
	}
}

func otherPools(s *loginSubject) {
	s.start(caseSensitive)
	elsewhere, sameAccount := loginPool, loginPool
	elsewhere.Env, sameAccount.Domain = "production", "bank"
	users := []*domain.User{s.build(loginPool, "ann"), s.build(elsewhere, "Ann"), s.build(sameAccount, "ANN")}
	s.must(s.store.Add(s.Context(), domain.Once{}, users...))
	s.start(caseInsensitive)
	s.wantStatus(users[0].ID(), domain.Free)
	s.wantStatus(users[1].ID(), domain.Free)
	s.wantStatus(users[2].ID(), domain.Quarantined)
}

// manyDuplicates has more users than are in memory at once.
func manyDuplicates(s *loginSubject) {
	const pairs = 1300
	s.start(caseSensitive)
	var users []*domain.User
	for i := range pairs {
		users = append(users, s.build(loginPool, fmt.Sprintf("user-%d", i)), s.build(loginPool, fmt.Sprintf("USER-%d", i)))
	}
	s.must(s.store.Add(s.Context(), domain.Once{}, users...))
	s.start(caseInsensitive)
	if s.number != pairs || len(s.reported) != bunstore.MostReported {
		s.Errorf("reported are %d duplicates, %d of them by name", s.number, len(s.reported))
	}
	for status, want := range map[domain.Status]int{domain.Free: pairs, domain.Quarantined: pairs} {
		page, err := s.store.List(s.Context(), ports.Query{Status: status, Limit: 10 * pairs})
		s.must(err)
		if len(page.Users) != want {
			s.Errorf("%d users are %s, want %d", len(page.Users), status, want)
		}
	}
}
