package memory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// TestTheIndexFindsWhatAScanFinds changes users at random, and compares what the index finds with a scan of all users. The
// limits are low, so that partial indexes are made and dropped all the time.
func TestTheIndexFindsWhatAScanFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &scannedFarm{
			index: newIndex(limits{
				few: rapid.IntRange(0, 8).Draw(t, "few"), ofPool: rapid.IntRange(1, 4).Draw(t, "indexes of a pool"),
				ofGroup: rapid.IntRange(1, 3).Draw(t, "indexes of a group"), idle: rapid.Uint64Range(0, 20).Draw(t, "idle"),
			}),
			users: make(map[domain.UserID]*domain.User),
			now:   time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":        f.add,
			"lock":       f.lock,
			"release":    f.release,
			"expire":     func(t *rapid.T) { f.change(t, func(u *domain.User) { u.Expire(f.now) }) },
			"quarantine": func(t *rapid.T) { f.change(t, func(u *domain.User) { _ = u.Quarantine(f.now, "flaky") }) },
			"restore":    func(t *rapid.T) { f.change(t, func(u *domain.User) { _ = u.Restore(f.now, "") }) },
			"relabel":    f.relabel,
			"remove":     f.remove,
			"wait": func(t *rapid.T) {
				f.now = f.now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "seconds")) * time.Second)
			},
			"": f.check,
		})
	})
}

// scannedFarm has the same users in an index and in a map.
type scannedFarm struct {
	index *index
	users map[domain.UserID]*domain.User
	now   time.Time
	added byte
}

var (
	someProjects = []domain.ProjectID{{1}, {2}}
	someNames    = []string{"a", "b"}
)

func (f *scannedFarm) add(t *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(t, "users") {
		f.added++
		id := domain.UserID{rapid.Byte().Draw(t, "id"), f.added}
		if _, taken := f.users[id]; taken {
			continue
		}
		f.put(domain.Restore(domain.Snapshot{ID: id, Labels: drawLabels(t), Pool: domain.Pool{
			ProjectID: rapid.SampledFrom(someProjects).Draw(t, "project"),
			Env:       rapid.SampledFrom(someNames).Draw(t, "env"),
			Domain:    rapid.SampledFrom(someNames).Draw(t, "domain"),
		}}))
	}
}

func drawLabels(t *rapid.T) domain.Labels {
	return rapid.MapOfN(rapid.SampledFrom([]string{"role", "plan", "region"}), rapid.SampledFrom([]string{"1", "2", "3"}), 0, 3).Draw(t, "labels")
}

func (f *scannedFarm) put(u *domain.User) {
	f.users[u.ID()] = u
	f.index.put(u)
}

// drawUser skips the action if there are no users.
func (f *scannedFarm) drawUser(t *rapid.T) *domain.User {
	all := f.scan(func(*domain.User) bool { return true })
	if len(all) == 0 {
		t.Skip("no users")
	}
	return rapid.SampledFrom(all).Draw(t, "user").Clone()
}

func (f *scannedFarm) change(t *rapid.T, change func(*domain.User)) {
	u := f.drawUser(t)
	change(u)
	f.put(u)
}

// lock takes a lease of up to three users, or an open lock.
func (f *scannedFarm) lock(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "open") == 0 {
		ttl := time.Duration(rapid.IntRange(0, 4).Draw(t, "ttl")) * time.Second
		f.change(t, func(u *domain.User) { _ = u.LockOpen(f.now, ttl) })
		return
	}
	policy := domain.LeasePolicy{QuarantineOnExpiry: rapid.Bool().Draw(t, "quarantine on expiry")}
	want := make([]domain.Selector, rapid.IntRange(1, 3).Draw(t, "size"))
	free := f.scan(func(u *domain.User) bool { return u.CheckFree(f.now) == nil })
	if len(free) < len(want) {
		t.Skip("too few are free")
	}
	terms, err := policy.Apply(want, domain.Terms{TTL: time.Duration(rapid.IntRange(1, 4).Draw(t, "ttl")) * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	users := make([]*domain.User, len(want))
	for i, u := range rapid.Permutation(free).Draw(t, "order")[:len(want)] {
		users[i] = u.Clone()
	}
	if _, err := domain.Grant(f.now, domain.NewLeaseID(), terms, users); err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		f.put(u)
	}
}

func (f *scannedFarm) release(t *rapid.T) {
	f.change(t, func(u *domain.User) { _ = domain.ForceRelease(f.now, []*domain.User{u}, "") })
}

func (f *scannedFarm) relabel(t *rapid.T) {
	labels := drawLabels(t)
	f.change(t, func(u *domain.User) { _ = u.Change(f.now, domain.Change{Labels: &labels}) })
}

func (f *scannedFarm) remove(t *rapid.T) {
	id := f.drawUser(t).ID()
	delete(f.users, id)
	f.index.remove(id)
}

func (f *scannedFarm) check(t *rapid.T) {
	for range 3 {
		f.checkSearch(t, f.drawSelector(t))
	}
	s := &Store{users: f.index}
	expired, next := s.expired(f.now)
	wantExpired := f.scan(func(u *domain.User) bool { at, expires := u.LockExpiry(); return expires && !at.After(f.now) })
	var wantNext time.Time
	for _, u := range f.users {
		if at, expires := u.LockExpiry(); expires && at.After(f.now) && (wantNext.IsZero() || at.Before(wantNext)) {
			wantNext = at
		}
	}
	slices.SortFunc(expired, func(a, b ledger.Row) int { return compareIDs(a.ID, b.ID) })
	expect(t, "the expired", slices.Collect(usersOf(expired)), wantExpired)
	if !next.Equal(wantNext) {
		t.Fatalf("the next lock expires at %v, want %v", next, wantNext)
	}
	for _, u := range f.users {
		if lease, leased := u.Lease(); leased {
			under := s.under(lease)
			slices.SortFunc(under, func(a, b *domain.User) int { return compareIDs(a.ID(), b.ID()) })
			expect(t, "those under a lease", under, f.scan(func(other *domain.User) bool {
				carried, _ := other.Lease()
				return carried == lease
			}))
		}
	}
	f.checkSize(t)
}

func (f *scannedFarm) checkSearch(t *rapid.T, want domain.Selector) {
	n := rapid.IntRange(0, 5).Draw(t, "n")
	key := ledger.SearchKey(want)
	isFree := func(u *domain.User) bool { return u.CheckFree(f.now) == nil }
	matching := domain.MostRested(f.scan(want.Matches))
	free := slices.DeleteFunc(slices.Clone(matching), func(u *domain.User) bool { return !isFree(u) })
	expect(t, fmt.Sprintf("free users for %+v", want), f.index.mostRested(want, key, n, isFree), free[:min(n, len(free))])

	inAnyState := f.index.mostRested(want, key, n, func(*domain.User) bool { return true })
	for i, u := range inAnyState {
		if !want.Matches(u) || i > 0 && domain.MostRested(inAnyState[i-1 : i+1])[0] != inAnyState[i-1] && isFree(u) {
			t.Fatalf("users in any state: %v is out of place", u.ID())
		}
	}
	if len(inAnyState) != min(n, len(matching)) {
		t.Fatalf("users in any state: %d, want %d", len(inAnyState), min(n, len(matching)))
	}

	if want.UserID.IsZero() {
		held := f.scan(func(u *domain.User) bool { return want.Matches(u) && u.Status(f.now) == domain.Locked })
		slices.SortStableFunc(held, func(a, b *domain.User) int { return cmp.Compare(lockEnd(a), lockEnd(b)) })
		expect(t, fmt.Sprintf("the holders of %+v", want), f.index.held(f.now, want, n), held[:min(n, len(held))])
		after := domain.UserID{rapid.Byte().Draw(t, "after")}
		expect(t, fmt.Sprintf("the list of %+v", want), slices.Collect(f.index.list(want, after, false)),
			f.scan(func(u *domain.User) bool { return want.Matches(u) && compareIDs(u.ID(), after) > 0 }))
		newest := f.scan(func(u *domain.User) bool { return want.Matches(u) && (after.IsZero() || compareIDs(u.ID(), after) < 0) })
		slices.Reverse(newest)
		expect(t, fmt.Sprintf("the list of %+v, newest first", want), slices.Collect(f.index.list(want, after, true)), newest)
	}
}

func (f *scannedFarm) drawSelector(t *rapid.T) domain.Selector {
	if rapid.IntRange(0, 9).Draw(t, "by id") == 0 && len(f.users) > 0 {
		return domain.Selector{UserID: f.drawUser(t).ID()}
	}
	want := domain.Selector{
		ProjectID: rapid.SampledFrom(append(someProjects, domain.ProjectID{})).Draw(t, "project"),
		Env:       rapid.SampledFrom(append(someNames, "")).Draw(t, "env"),
		Domain:    rapid.SampledFrom(append(someNames, "")).Draw(t, "domain"),
		Labels:    drawLabels(t),
	}
	if rapid.IntRange(0, 3).Draw(t, "limited") == 0 {
		want = want.In(domain.Only(rapid.SampledFrom(someProjects).Draw(t, "scope")))
	}
	return want
}

// checkSize looks for what the index keeps of users that are gone.
func (f *scannedFarm) checkSize(t *rapid.T) {
	members, groups := 0, make(map[*group]bool)
	for _, p := range f.index.pools {
		for g := range p.groups {
			groups[g] = true
			members += g.size
			if len(g.partial) > f.index.limits.ofGroup {
				t.Fatalf("a group has %d indexes", len(g.partial))
			}
		}
		f.checkIndexes(t, p.partial, groups)
	}
	f.checkIndexes(t, f.index.partial, groups)
	if members != len(f.users) || f.index.members.Len() != len(f.users) || f.index.rest.Len() != len(f.users) {
		t.Fatalf("%d users in groups, %d by id, %d in the order of rest: want %d", members, f.index.members.Len(),
			f.index.rest.Len(), len(f.users))
	}
	if len(f.users) == 0 && len(f.index.pools)+len(f.index.leases)+f.index.expiries.tree.Len() > 0 {
		t.Fatal("something is left of an empty farm")
	}
}

func (f *scannedFarm) checkIndexes(t *rapid.T, indexes map[string]*partial, groups map[*group]bool) {
	if len(indexes) > f.index.limits.ofPool {
		t.Fatalf("there are %d indexes", len(indexes))
	}
	for p := range maps.Values(indexes) {
		size := 0
		for g := range p.groups {
			if !groups[g] {
				t.Fatal("an index has a group that is gone")
			}
			size += g.size
		}
		if p.order.tree.Len() != size {
			t.Fatalf("an index has %d users, want %d", p.order.tree.Len(), size)
		}
	}
}

// scan returns the users that fit, in the order of their ids.
func (f *scannedFarm) scan(fits func(*domain.User) bool) []*domain.User {
	var users []*domain.User
	for _, u := range f.users {
		if fits(u) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b *domain.User) int { return compareIDs(a.ID(), b.ID()) })
	return users
}

func usersOf(rows []ledger.Row) func(yield func(*domain.User) bool) {
	return func(yield func(*domain.User) bool) {
		for _, row := range rows {
			if !yield(row.User) {
				return
			}
		}
	}
}

func expect(t *rapid.T, what string, got, want []*domain.User) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %s, want %s", what, idsOf(got), idsOf(want))
	}
}

func idsOf(users []*domain.User) string {
	ids := ""
	for _, u := range users {
		id := u.ID()
		ids += " " + strconv.Itoa(int(id[0])) + "/" + strconv.Itoa(int(id[1]))
	}
	return ids
}
