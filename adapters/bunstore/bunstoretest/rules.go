package bunstoretest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// noon is the time around which the generated users are locked.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// TestRules compares the rules of a database with the domain's on generated users and API keys. The store is empty, and db is
// its database.
func TestRules(t *testing.T, store ports.Store, db *bun.DB, rules bunstore.Rules) {
	t.Helper()
	r := rulesTest{T: t, db: db, random: rand.New(rand.NewPCG(rand.Uint64(), 0))} //nolint:gosec // test data
	users := make([]*domain.User, 300)
	for i := range users {
		users[i] = r.generateUser(i)
	}
	if err := store.Add(t.Context(), domain.Once{}, users...); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		at := r.time()
		for _, rule := range []struct {
			name, sql string
			holds     func(u *domain.User) bool
		}{
			{"free", rules.Free, func(u *domain.User) bool { return u.Status(at) == domain.Free }},
			{"free from", rules.Free, func(u *domain.User) bool { from, ends := u.FreeFrom(); return ends && !from.After(at) }},
			{"not free", rules.NotFree, func(u *domain.User) bool { return u.Status(at) != domain.Free }},
			{"never free", rules.NeverFree, func(u *domain.User) bool { _, ends := u.FreeFrom(); return !ends }},
			{"in quarantine and never free", rules.Quarantined + " AND " + rules.NeverFree, func(u *domain.User) bool { return u.Status(at) == domain.Quarantined }},
			{"held", rules.Held, func(u *domain.User) bool { return u.View(at).Lock != nil }},
			{"leased", rules.Leased, func(u *domain.User) bool { l := u.View(at).Lock; return l != nil && !l.ExpiresAt.IsZero() }},
			{"quarantined", rules.Quarantined, func(u *domain.User) bool { return u.Status(at) == domain.Quarantined }},
			{"expired", rules.Expired, func(u *domain.User) bool { return u.Clone().Expire(at) }},
		} {
			var args []any
			if strings.Contains(rule.sql, "?") {
				args = []any{at.UnixMicro()}
			}
			conditions := []bunstore.Condition{{SQL: rule.sql, Args: args}}
			r.compare(fmt.Sprintf("%s at %v", rule.name, at), users, conditions, rule.holds)
		}
		want := r.selector()
		r.compare(fmt.Sprintf("match %+v", want), users, rules.Matches(want, "u", "u"), want.Matches)
		scope := r.scope()
		r.compare(fmt.Sprintf("are in scope %+v", scope), users, rules.InScope(scope, "u.project_id"), func(u *domain.User) bool {
			return scope.CoversUsers([]*domain.User{u})
		})
	}
	r.compareKeys(store, rules)
}

type rulesTest struct {
	*testing.T
	db     *bun.DB
	random *rand.Rand
}

// compare fails the test unless the users that the conditions find are those for which the domain's rule holds.
func (r rulesTest) compare(name string, users []*domain.User, conditions []bunstore.Condition, holds func(*domain.User) bool) {
	r.Helper()
	search := r.db.NewSelect().TableExpr("users AS u").Column("u.user_id")
	for _, c := range conditions {
		search = search.Where(c.SQL, c.Args...)
	}
	var ids []string
	if err := search.Scan(r.Context(), &ids); err != nil {
		r.Fatalf("users that %s: %v", name, err)
	}
	found := make(map[string]bool, len(ids))
	for _, id := range ids {
		found[id] = true
	}
	for _, u := range users {
		if found[u.ID().String()] != holds(u) {
			r.Errorf("users that %s: the database finds %+v: %v, the domain: %v", name, u.Snapshot(), found[u.ID().String()], holds(u))
		}
	}
}

func (r rulesTest) compareKeys(store ports.Store, rules bunstore.Rules) {
	var keys []domain.APIKey
	for i := range 60 {
		key, err := store.AddKey(r.Context(), func(time.Time) (domain.APIKey, []domain.Event, error) {
			key, err := domain.NewAPIKey(noon, domain.NewToken(), domain.KeySpec{Name: fmt.Sprint("key ", i), Role: domain.Viewer})
			if r.oneIn(2) {
				key.ExpiresAt = r.time()
			}
			if r.oneIn(3) {
				key.RevokedAt = r.time()
			}
			return key, nil, err
		})
		if err != nil {
			r.Fatal(err)
		}
		keys = append(keys, key)
	}
	for range 20 {
		at := r.time()
		var ids []string
		search := r.db.NewSelect().TableExpr("api_keys AS k").Column("k.key_id").Where(rules.KeyActive, at.UnixMicro())
		if err := search.Scan(r.Context(), &ids); err != nil {
			r.Fatal(err)
		}
		active := make(map[string]bool, len(ids))
		for _, id := range ids {
			active[id] = true
		}
		for _, key := range keys {
			if is := key.Status(at) == domain.KeyActive; active[key.ID.String()] != is {
				r.Errorf("at %v, the database finds %+v active: %v, the domain: %v", at, key, active[key.ID.String()], is)
			}
		}
	}
}

func (r rulesTest) oneIn(n int) bool { return r.random.IntN(n) == 0 }

// time returns one of a few times, so that it is often just before, exactly at or just after an expiry.
func (r rulesTest) time() time.Time {
	return noon.Add(time.Duration(r.random.IntN(7)) * time.Second).Add(time.Duration(r.random.IntN(3)-1) * time.Microsecond)
}

func (r rulesTest) generateUser(i int) *domain.User {
	s := domain.Snapshot{
		ID: domain.NewUserID(noon.Add(time.Duration(i) * time.Millisecond)), CreatedAt: noon.Add(-time.Hour),
		Login: fmt.Sprint("user ", i), Password: domain.NewSecret("correct horse"), Pool: r.pool(), Labels: r.labels(),
	}
	if r.oneIn(2) {
		s.Fence, s.ReleasedAt = 1, noon.Add(-time.Duration(1+r.random.IntN(60))*time.Minute)
	}
	if r.oneIn(2) {
		s.Fence++
		s.Lock = &domain.Lock{AcquiredAt: noon.Add(-time.Minute)}
		if !r.oneIn(3) {
			s.Lock.ExpiresAt = r.time()
		}
		if !r.oneIn(3) && !s.Lock.ExpiresAt.IsZero() {
			s.Lock.Lease, s.Lock.Size, s.Lock.QuarantineOnExpiry = domain.NewLeaseID().Digest(), 1, r.oneIn(2)
		}
	}
	if r.oneIn(4) {
		s.Quarantine = &domain.Quarantine{Reason: "broken", Since: noon}
	}
	return domain.Restore(s)
}

func (r rulesTest) pool() domain.Pool {
	return domain.Pool{ProjectID: r.project(), Env: r.text("stage", "prod", `a'b\?"`), Domain: r.text("shop", "é%_")}
}

func (r rulesTest) project() domain.ProjectID { return domain.ProjectID{byte(1 + r.random.IntN(3))} }

func (r rulesTest) text(texts ...string) string { return texts[r.random.IntN(len(texts))] }

func (r rulesTest) labels() domain.Labels {
	labels := domain.Labels{}
	for _, key := range []string{"role", "plan", "a/b.c"} {
		if r.oneIn(2) {
			labels[key] = r.text("", "admin", `x"y'?`)
		}
	}
	return labels
}

func (r rulesTest) selector() domain.Selector {
	var s domain.Selector
	pool := r.pool()
	if r.oneIn(2) {
		s.ProjectID = pool.ProjectID
	}
	if r.oneIn(2) {
		s.Env = pool.Env
	}
	if r.oneIn(2) {
		s.Domain = pool.Domain
	}
	if r.oneIn(2) {
		s.Labels = r.labels()
	}
	return s.In(r.scope())
}

func (r rulesTest) scope() domain.Scope {
	switch r.random.IntN(4) {
	case 0:
		return domain.Only()
	case 1:
		return domain.Only(r.project())
	case 2:
		return domain.Only(r.project(), r.project())
	default:
		return domain.Scope{}
	}
}
