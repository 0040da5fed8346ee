package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// A group of operations has the outcomes, and leaves the users, that it would have one by one. Additions come last in both
// cases, as the package says.
func TestAGroupIsAppliedAsItsOperationsWouldBeOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := drawTable(t)
		calls := rapid.SliceOfN(rapid.Custom(drawCall), 1, 8).Draw(t, "calls")
		slices.SortStableFunc(calls, func(a, b call) int { return a.isAdd() - b.isAdd() })
		for i := range calls {
			calls[i].place = i
		}

		together, apart := start.clone(), start.clone()
		want := make([]outcome, len(calls))
		for i, c := range calls {
			want[i] = apart.carryOut(t, []call{c})[0]
		}
		got := together.carryOut(t, calls)
		for i := range calls {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("operation %d, %s: in a group %+v, alone %+v", i, calls[i].name, got[i], want[i])
			}
		}
		if g, w := together.describe(), apart.describe(); g != w {
			t.Errorf("after a group:\n%s\none by one:\n%s", g, w)
		}
	})
}

// Users 0 and 1 were changed in the same group, so that only user 2 is where the search has found it.
func TestTheMostRestedOfChangedUsersAreClaimed(t *testing.T) {
	free := func(n byte) *domain.User {
		return domain.Restore(domain.Snapshot{ID: userID(n), Login: fmt.Sprint("user ", n), Pool: pool, ReleasedAt: now.Add(time.Duration(n) * time.Second)})
	}
	two := &ledger.Claim{
		Want:   []domain.Selector{{Env: "stage"}, {Env: "stage"}},
		Decide: func(time.Time, []*domain.User) error { return nil },
	}
	operations := []ledger.Operation{two}
	for n := range byte(2) {
		keep := func(time.Time, []*domain.User) error { return nil }
		operations = append([]ledger.Operation{&ledger.Update{Target: ledger.Target{User: userID(1 - n)}, Decide: keep}}, operations...)
	}
	s := &table{users: map[domain.UserID]*domain.User{}}
	for n := range byte(3) {
		s.users[userID(n)] = free(n)
	}
	l := ledger.Open(s.load(ledger.NeedsOf(0, operations...), nil))
	for _, operation := range operations {
		if err := l.Apply(operation); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := usersOf(two, nil), []domain.UserID{userID(0), userID(1)}; !slices.Equal(got, want) {
		t.Errorf("the claim got %v, want %v", got, want)
	}
}

// Where a rival holds some of the rows, an operation has its outcome or says that it lacks something.
func TestRowsThatARivalHoldsChangeNoOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := drawTable(t)
		c := rapid.Custom(drawCall).Draw(t, "call")
		held := rapid.SliceOf(rapid.SampledFrom(start.ids())).Draw(t, "held by a rival")

		all, some := start.clone(), start.clone()
		want := all.carryOut(t, []call{c})[0]
		operation := c.operation()
		l := ledger.Open(some.load(ledger.NeedsOf(len(some.broken), operation), held))
		switch err := l.Apply(operation); {
		case errors.Is(err, ledger.ErrNotLoaded), errors.Is(err, ledger.ErrShort), errors.Is(err, ledger.ErrContended):
			if changes := l.Changes(); !reflect.DeepEqual(changes, ledger.Changes{Now: now}) {
				t.Errorf("%s lacks something (%v) and writes %+v", c.name, err, changes)
			}
		case err == nil:
			if err := l.Confirm(operation, some.write(l.Changes())); fmt.Sprint(err) != want.err {
				t.Errorf("%s: %v, want %v", c.name, err, want.err)
			}
			if c.picks {
				return // it may pick others, among those that the rival leaves
			}
			if g, w := some.describe(), all.describe(); g != w {
				t.Errorf("%s: with a rival:\n%s\nwithout:\n%s", c.name, g, w)
			}
		case fmt.Sprint(err) != want.err:
			t.Errorf("%s: %v, want %v", c.name, err, want.err)
		}
	})
}

// now is the time of every ledger.
var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// table is what a store keeps.
type table struct {
	users  map[domain.UserID]*domain.User
	broken map[domain.UserID]bool // whose rows can't be read
	ended  map[domain.LeaseDigest]domain.EndedLease
	calls  map[ledger.CallKey]domain.Once
	events []string
}

func drawTable(t *rapid.T) *table {
	s := &table{
		users: make(map[domain.UserID]*domain.User), ended: make(map[domain.LeaseDigest]domain.EndedLease), calls: make(map[ledger.CallKey]domain.Once),
		broken: make(map[domain.UserID]bool),
	}
	carriers := make(map[domain.LeaseDigest][]*domain.Lock)
	var snapshots []domain.Snapshot
	for n := range rapid.IntRange(1, 6).Draw(t, "users") {
		u := drawUser(t, byte(n))
		if u.Lock != nil && !u.Lock.Lease.IsZero() {
			carriers[u.Lock.Lease] = append(carriers[u.Lock.Lease], u.Lock)
		}
		snapshots = append(snapshots, u)
	}
	for _, locks := range carriers {
		for i, lock := range locks {
			lock.Position, lock.Size = i, len(locks)
		}
	}
	for _, u := range snapshots {
		s.users[u.ID] = domain.Restore(u)
		s.broken[u.ID] = rapid.IntRange(0, 5).Draw(t, "broken") == 5
	}
	return s
}

func drawUser(t *rapid.T, n byte) domain.Snapshot {
	s := domain.Snapshot{
		ID: userID(n), Login: fmt.Sprint("user ", n), Password: domain.NewSecret("pw"), Pool: pool,
		Labels: drawLabels(t), Fence: 1, ReleasedAt: now.Add(-time.Duration(rapid.IntRange(0, 4).Draw(t, "rested")) * time.Minute),
	}
	expires := now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "expires")) * time.Minute)
	switch rapid.SampledFrom([]string{"free", "free", "free", "leased", "quarantines", "open", "quarantined"}).Draw(t, "state") {
	case "leased":
		s.Lock = &domain.Lock{Lease: leaseID(n % 2).Digest(), AcquiredAt: now.Add(-time.Hour), ExpiresAt: expires}
	case "quarantines":
		s.Lock = &domain.Lock{Lease: leaseID(9).Digest(), AcquiredAt: now.Add(-time.Hour), ExpiresAt: expires, QuarantineOnExpiry: true}
	case "open":
		s.Lock = &domain.Lock{AcquiredAt: now.Add(-time.Hour)}
	case "quarantined":
		s.Quarantine = &domain.Quarantine{Reason: "broken", Since: now}
	}
	return s
}

var pool = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "shop"}

func userID(n byte) domain.UserID { return domain.UserID{15: n + 1} }

func leaseID(n byte) domain.LeaseID { return domain.LeaseID{15: n + 1} }

func drawLabels(t *rapid.T) domain.Labels {
	return domain.Labels{"role": rapid.SampledFrom([]string{"admin", "buyer"}).Draw(t, "role")}
}

// ids returns the ids of all users, in order.
func (s *table) ids() []domain.UserID {
	return slices.SortedFunc(maps.Keys(s.users), func(a, b domain.UserID) int { return int(a[15]) - int(b[15]) })
}

func (s *table) clone() *table {
	c := &table{
		users: make(map[domain.UserID]*domain.User), broken: maps.Clone(s.broken), ended: maps.Clone(s.ended), calls: maps.Clone(s.calls),
	}
	for id, u := range s.users {
		c.users[id] = u.Clone()
	}
	return c
}

// load loads what is needed, but for the rows that a rival holds.
func (s *table) load(needs ledger.Needs, held []domain.UserID) ledger.Loaded {
	loaded := ledger.Loaded{Now: now, Complete: len(held) == 0}
	var users []*domain.User
	for _, id := range s.ids() {
		if !slices.Contains(held, id) {
			users = append(users, s.users[id])
		}
	}
	rows := func(wanted func(*domain.User) bool) (rows []ledger.Row) {
		for _, u := range users {
			if wanted(u) {
				rows = append(rows, s.row(u))
			}
		}
		return rows
	}
	loaded.Users = rows(func(u *domain.User) bool {
		lease, leased := u.Lease()
		return slices.Contains(needs.Users, u.ID()) || leased && slices.Contains(needs.Leases, lease)
	})
	for _, search := range needs.Searches {
		search.Found = s.search(users, search.Want, search.Limit)
		loaded.Searches = append(loaded.Searches, search)
	}
	if needs.Expired > 0 {
		loaded.Expired = rows(func(u *domain.User) bool {
			at, expires := u.LockExpiry()
			return expires && !at.After(now)
		})
	}
	for _, key := range needs.Calls {
		if before, known := s.calls[key]; known {
			loaded.Calls = append(loaded.Calls, before)
		}
	}
	return loaded
}

var errBroken = errors.New("can't be read")

// row returns the row of a user. Some of the users that can't be read have lost their secrets, the others everything.
func (s *table) row(u *domain.User) ledger.Row {
	row := ledger.RowOf(u)
	if s.broken[row.ID] {
		row.Err = errBroken
		if row.ID[15]%2 == 0 {
			row.User = nil
		}
	}
	return row
}

// search returns the most rested free users that a selector matches.
func (s *table) search(users []*domain.User, want domain.Selector, limit int) (rows []ledger.Row) {
	for _, u := range domain.MostRested(users) {
		if len(rows) < limit && want.Matches(u) && u.CheckFree(now) == nil {
			rows = append(rows, s.row(u))
		}
	}
	return rows
}

func (s *table) write(changes ledger.Changes) map[domain.UserID]bool {
	for _, c := range changes.Changed {
		s.users[c.After.ID()] = c.After.Clone()
	}
	for _, id := range changes.Removed {
		delete(s.users, id)
	}
	added := make(map[domain.UserID]bool)
	for _, a := range changes.Added {
		login := a.User.Snapshot().Login
		taken := slices.ContainsFunc(slices.Collect(maps.Values(s.users)), func(u *domain.User) bool {
			return u.ID() == a.User.ID() || u.Snapshot().Login == login
		})
		if !taken {
			s.users[a.User.ID()], added[a.User.ID()] = a.User.Clone(), true
		}
	}
	for _, ended := range changes.Ended {
		if known, ok := s.ended[ended.Lease]; ok {
			ended = known.Merge(ended)
		}
		s.ended[ended.Lease] = ended
	}
	events, calls := changes.WithAdded(added)
	for _, e := range events {
		s.events = append(s.events, fmt.Sprintln(e.UserID, e.Kind, e.Owner, e.Fence, e.Reason))
	}
	for _, once := range calls {
		s.calls[once.Key] = once
	}
	return added
}

// describe returns all that the table has. The order of the events of different users does not matter.
func (s *table) describe() string {
	text := fmt.Sprint("ended ", s.ended, " calls ", len(s.calls), "\n") // fmt sorts maps
	for _, id := range s.ids() {
		u := s.users[id].Snapshot()
		text += fmt.Sprintf("%v %v fence %d released %v", u.Login, u.Labels, u.Fence, u.ReleasedAt)
		if u.Lock != nil {
			text += fmt.Sprintf(" lock %+v", *u.Lock)
		}
		if u.Quarantine != nil {
			text += fmt.Sprintf(" quarantine %+v", *u.Quarantine)
		}
		text += "\n"
	}
	return text + fmt.Sprint(slices.Sorted(slices.Values(s.events)))
}

// outcome is what the caller of an operation learns.
type outcome struct {
	err   string
	users []domain.UserID
}

// carryOut applies calls as a store does: in one ledger, and those again that are contended.
func (s *table) carryOut(t *rapid.T, calls []call) []outcome {
	outcomes := make([]outcome, len(calls))
	todo := make([]int, len(calls))
	for i := range todo {
		todo[i] = i
	}
	for rounds := 0; len(todo) > 0; rounds++ {
		if rounds > len(calls) {
			t.Fatal("calls contend for ever")
		}
		operations := make([]ledger.Operation, len(todo))
		for n, i := range todo {
			operations[n] = calls[i].operation()
		}
		l := ledger.Open(s.load(ledger.NeedsOf(len(s.broken), operations...), nil))
		errs := make([]error, len(todo))
		for n, operation := range operations {
			errs[n] = l.Apply(operation)
			if claim, ok := operation.(*ledger.Claim); ok && errors.Is(errs[n], ledger.ErrShort) {
				if errs[n] = l.Explain(claim.Want, s.committed(claim.Want, l)); errs[n] == nil {
					t.Fatalf("claim %+v came short of users that are there", claim.Want)
				}
			}
		}
		added := s.write(l.Changes())
		var again []int
		for n, i := range todo {
			if errs[n] == nil {
				errs[n] = l.Confirm(operations[n], added)
			}
			if errors.Is(errs[n], ledger.ErrContended) {
				again = append(again, i)
				continue
			}
			outcomes[i] = outcome{err: fmt.Sprint(errs[n]), users: usersOf(operations[n], errs[n])}
		}
		todo = again
	}
	return outcomes
}

func (s *table) committed(want []domain.Selector, l *ledger.Ledger) (rows []ledger.Row) {
	users := slices.Collect(maps.Values(s.users))
	for _, selector := range want {
		rows = append(rows, s.search(users, selector, max(len(want), l.Limit(selector)))...)
		for _, u := range users {
			if selector.Matches(u) {
				rows = append(rows, s.row(u))
			}
		}
	}
	return rows
}

func usersOf(operation ledger.Operation, err error) (ids []domain.UserID) {
	var users []*domain.User
	switch o := operation.(type) {
	case *ledger.Claim:
		users = o.Users
	case *ledger.Update:
		users = o.Users
	}
	for _, u := range users {
		if err == nil {
			ids = append(ids, u.ID())
		}
	}
	return ids
}

// call makes the same operation again and again.
type call struct {
	name  string
	picks bool // users, of several that would do
	place int  // in its group
	make  func(place int) ledger.Operation
}

func (c call) operation() ledger.Operation { return c.make(c.place) }

func (c call) isAdd() int {
	if _, ok := c.operation().(*ledger.Add); ok {
		return 1
	}
	return 0
}

// String returns the name, for rapid.
func (c call) String() string { return c.name }

var errChangedMind = errors.New("changed my mind")

func drawCall(t *rapid.T) call {
	target := userID(byte(rapid.IntRange(0, 6).Draw(t, "target")))
	lease := leaseID(rapid.SampledFrom([]byte{0, 1, 9, 20, 21}).Draw(t, "lease"))
	labels := drawLabels(t)
	refuse := rapid.IntRange(0, 5).Draw(t, "refuse") == 5
	once := drawOnce(t)
	update := func(target ledger.Target, decide ledger.Decide) func(int) ledger.Operation {
		return func(int) ledger.Operation {
			return &ledger.Update{Target: target, Decide: func(now time.Time, users []*domain.User) error {
				if err := decide(now, users); err != nil || !refuse {
					return err
				}
				return errChangedMind
			}}
		}
	}
	byUser := func(decide func(now time.Time, u *domain.User) error) func(int) ledger.Operation {
		return update(ledger.Target{User: target}, func(now time.Time, users []*domain.User) error { return decide(now, users[0]) })
	}
	byLease := func(decide ledger.Decide) func(int) ledger.Operation {
		return update(ledger.Target{Lease: lease.Digest()}, decide)
	}
	want := rapid.SliceOfN(rapid.Custom(drawSelector), 1, 3).Draw(t, "want")
	claim := func(place int) ledger.Operation {
		return &ledger.Claim{Want: want, Once: once, Decide: func(now time.Time, users []*domain.User) error {
			_, err := domain.Grant(now, leaseID(20+byte(place)), domain.Terms{Owner: "me", TTL: time.Minute}, users)
			if err == nil && refuse {
				return errChangedMind
			}
			return err
		}}
	}
	return rapid.SampledFrom([]call{
		{"claim", true, 0, claim}, {"claim", true, 0, claim}, {"claim", true, 0, claim},
		{"renew", false, 0, byLease(func(now time.Time, users []*domain.User) error {
			_, err := domain.Renew(now, lease, time.Hour, users)
			return err
		})},
		{"release", false, 0, byLease(func(now time.Time, users []*domain.User) error { return domain.Release(now, lease, users) })},
		{"release with a fault", false, 0, byLease(func(now time.Time, users []*domain.User) error {
			return domain.Release(now, lease, users, domain.Fault{UserID: target, Reason: "broken"})
		})},
		{"force release", false, 0, byLease(func(now time.Time, users []*domain.User) error { return domain.ForceRelease(now, users, "") })},
		{"quarantine", false, 0, byUser(func(now time.Time, u *domain.User) error { return u.Quarantine(now, "broken") })},
		{"restore", false, 0, byUser(func(now time.Time, u *domain.User) error { return u.Restore(now, "") })},
		{"change", false, 0, byUser(func(now time.Time, u *domain.User) error { return u.Change(now, domain.Change{Labels: &labels}) })},
		{"lock open", false, 0, byUser(func(now time.Time, u *domain.User) error { return u.LockOpen(now, 0) })},
		{"release open", false, 0, byUser(func(now time.Time, u *domain.User) error { return u.ReleaseOpen(now) })},
		{"remove", false, 0, func(int) ledger.Operation {
			return &ledger.Remove{User: target, Decide: func(now time.Time, users []*domain.User) error { return users[0].Remove(now, "") }}
		}},
		{"report late", false, 0, byUser(func(now time.Time, u *domain.User) error {
			ended := domain.EndedLease{Lease: lease.Digest(), End: domain.LeaseExpired, At: now, Users: []domain.FormerUser{{ID: target, Fence: 1}}}
			ended.KeepFault(now, u, domain.Fault{UserID: target, Reason: "broken"})
			return nil
		})},
		{"expire", true, 0, func(int) ledger.Operation { return &ledger.Expire{Limit: 100} }},
		{"add", false, 0, func(int) ledger.Operation {
			u := domain.Restore(domain.Snapshot{ID: userID(target[15] + 5), Login: fmt.Sprint("user ", target[15]+4), Pool: pool, Labels: labels})
			return &ledger.Add{Users: []*domain.User{u}, Once: once}
		}},
	}).Draw(t, "call")
}

func drawSelector(t *rapid.T) domain.Selector {
	switch rapid.SampledFrom([]string{"anyone", "labels", "named", "nobody"}).Draw(t, "selector") {
	case "anyone":
		return domain.Selector{Env: "stage"}
	case "labels":
		return domain.Selector{Labels: drawLabels(t)}
	case "named":
		return domain.Selector{UserID: userID(byte(rapid.IntRange(0, 6).Draw(t, "named")))}
	default:
		return domain.Selector{Env: "nowhere"}
	}
}

// drawOnce draws a call that may be the same as another one, or another one with the same key.
func drawOnce(t *rapid.T) domain.Once {
	key := rapid.IntRange(0, 4).Draw(t, "once")
	if key > 1 {
		return domain.Once{}
	}
	once := domain.Once{Request: [32]byte{byte(rapid.IntRange(1, 2).Draw(t, "request"))}}
	once.Key[0] = byte(key + 1)
	return once
}

func TestAnAdditionOfSeveralUsersSharesItsLedgerWithNoOtherAddition(t *testing.T) {
	add := func(numbers ...byte) *ledger.Add {
		var users []*domain.User
		for _, n := range numbers {
			users = append(users, domain.Restore(domain.Snapshot{ID: userID(n), Login: fmt.Sprint("user ", n), Pool: pool}))
		}
		return &ledger.Add{Users: users}
	}
	for name, adds := range map[string][2]*ledger.Add{
		"one after several": {add(1, 2), add(3)},
		"several after one": {add(1), add(2, 3)},
	} {
		l := ledger.Open(ledger.Loaded{Now: now, Complete: true})
		if err := l.Apply(adds[0]); err != nil {
			t.Errorf("%s: the first addition: %v", name, err)
		}
		if err := l.Apply(adds[1]); !errors.Is(err, ledger.ErrContended) {
			t.Errorf("%s: got the error %v, want %v", name, err, ledger.ErrContended)
		}
		if changes := l.Changes(); changes.Together != (len(adds[0].Users) > 1) || len(changes.Added) != len(adds[0].Users) {
			t.Errorf("%s: together %v, %d users", name, changes.Together, len(changes.Added))
		}
	}
}
