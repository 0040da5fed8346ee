package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var settings = app.Settings{Leases: domain.LeasePolicy{DefaultTTL: 15 * time.Minute, LongestTTL: time.Hour}}

var stage = domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"}

var noKey domain.IdempotencyKey

var anyone = []domain.Selector{{ProjectID: stage.ProjectID}}

func TestALeaseIsAcquiredReadRenewedAndReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		lease := acquire(t, farm, anyone, domain.Terms{Owner: "ci-1", Note: "smoke"})
		if got := lease.ExpiresAt.Sub(lease.AcquiredAt); got != settings.Leases.DefaultTTL {
			t.Errorf("time to live = %v, want the default", got)
		}
		if u := lease.Users[0]; u.Login != "ann" || u.Password.Reveal() != "pw-ann" || u.Fence != 1 {
			t.Errorf("leased user = %+v", u)
		}
		if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, noKey); !errors.Is(err, domain.ErrPoolExhausted) {
			t.Errorf("acquire of a locked user = %v", err)
		}

		time.Sleep(time.Minute)
		renewed, err := farm.Renew(t.Context(), lease.ID, 2*time.Minute)
		if err != nil || renewed.ExpiresAt.Sub(lease.AcquiredAt) != 3*time.Minute {
			t.Errorf("renew = until %v, %v", renewed.ExpiresAt, err)
		}
		if read, err := farm.Lease(t.Context(), lease.ID); err != nil || read.ExpiresAt != renewed.ExpiresAt || read.Owner != "ci-1" || read.Note != "smoke" {
			t.Errorf("read = %+v, %v", read, err)
		}

		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Errorf("release = %v", err)
		}
		if err := farm.Release(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("second release = %v", err)
		}
		if _, err := farm.Lease(t.Context(), domain.NewLeaseID()); !errors.Is(err, domain.ErrLeaseNotFound) {
			t.Errorf("read of an unknown lease = %v", err)
		}
	})
}

func TestAnExpiredLeaseIsOverEvenIfNoCallerTakesTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		lease := acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute)
		if _, err := farm.Lease(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("read = %v", err)
		}
		if _, err := farm.Renew(t.Context(), lease.ID, 0); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("renew = %v", err)
		}
		if err := farm.Release(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("release = %v", err)
		}
	})
}

func TestAcquireNamesEveryBadField(t *testing.T) {
	farm := newFarm(t)
	_, err := farm.Acquire(t.Context(),
		[]domain.Selector{{Env: "a\x00b"}, {UserID: domain.UserID{1}, Domain: "x"}},
		domain.Terms{Owner: "a\nb", TTL: 2 * time.Hour}, noKey)
	wantFields(t, err, "/users/0/env", "/users/1", "/owner", "/ttl_seconds")
}

func TestReleaseReportsFaultyUsers(t *testing.T) {
	farm := newFarm(t, "ann", "bob")
	lease := acquire(t, farm, append(anyone, anyone...), domain.Terms{})
	err := farm.Release(t.Context(), lease.ID, domain.Fault{UserID: domain.UserID{9}, Reason: "x"})
	wantFields(t, err, "/quarantine/0/user_id")

	broken := lease.Users[1].ID
	if err := farm.Release(t.Context(), lease.ID, domain.Fault{UserID: broken, Reason: "cart is not empty"}); err != nil {
		t.Fatal(err)
	}
	for _, u := range lease.Users {
		view, err := farm.User(t.Context(), u.ID)
		want := domain.Free
		if u.ID == broken {
			want = domain.Quarantined
		}
		if err != nil || view.Status != want || view.Lock != nil {
			t.Errorf("%s is %s after the release, want %s (%v)", view.Login, view.Status, want, err)
		}
	}
}

func TestAnOpenLockLastsUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		farm := mustNew(store, settings)
		id := create(t, farm, "ann")
		from, err := farm.LockOpen(t.Context(), id)
		if err != nil || !from.Equal(time.Now()) {
			t.Errorf("lock = %v, %v", from, err)
		}
		time.Sleep(1000 * time.Hour)
		if _, err := farm.LockOpen(t.Context(), id); !errors.Is(err, domain.ErrUserLocked) {
			t.Errorf("second lock = %v: an open lock does not expire", err)
		}
		if err := farm.ReleaseOpen(t.Context(), id); err != nil {
			t.Errorf("release = %v", err)
		}
		if err := farm.ReleaseOpen(t.Context(), id); !errors.Is(err, domain.ErrUserFree) {
			t.Errorf("second release = %v", err)
		}

		expiring := mustNew(store, app.Settings{OpenLockTTL: time.Minute})
		if _, err := expiring.LockOpen(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		lease := acquire(t, expiring, anyone, domain.Terms{})
		if err := expiring.ReleaseOpen(t.Context(), id); !errors.Is(err, domain.ErrHeldByLease) {
			t.Errorf("open release of a leased user = %v", err)
		}
		if lease.Users[0].Fence != 3 {
			t.Errorf("fence = %d, want 3", lease.Users[0].Fence)
		}
	})
}

func TestForceReleaseEndsTheWholeLease(t *testing.T) {
	farm := newFarm(t, "ann", "bob")
	lease := acquire(t, farm, append(anyone, anyone...), domain.Terms{})
	view, err := farm.ForceRelease(t.Context(), lease.Users[1].ID, 0, "")
	if err != nil || view.ID != lease.Users[1].ID || view.Status != domain.Free {
		t.Errorf("force release = %+v, %v", view, err)
	}
	if _, err := farm.Lease(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("the lease after it = %v", err)
	}
	if page, _ := farm.Users(t.Context(), ports.Query{Status: domain.Free, Limit: 10}); len(page.Users) != 2 {
		t.Errorf("%d users are free, want both", len(page.Users))
	}

	if _, err := farm.LockOpen(t.Context(), view.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second call has nothing to end
		if view, err := farm.ForceRelease(t.Context(), view.ID, 0, ""); err != nil || view.Status != domain.Free {
			t.Errorf("force release of an open lock = %+v, %v", view, err)
		}
	}
	if _, err := farm.ForceRelease(t.Context(), domain.UserID{9}, 0, ""); !errors.Is(err, domain.ErrUserNotFound) {
		t.Errorf("force release of an unknown user = %v", err)
	}
}

// hookedStore is a store that calls a function once, right after it has found a user.
type hookedStore struct {
	ports.Store
	once func()
}

func (s *hookedStore) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	users, now, err := s.Store.Find(ctx, target)
	if hook := s.once; hook != nil {
		s.once = nil
		hook()
	}
	return users, now, err
}

func TestForceReleaseEndsALockThatReplacedTheFirst(t *testing.T) {
	store := &hookedStore{Store: memory.New()}
	farm := mustNew(store, settings)
	ann, bob := create(t, farm, "ann"), create(t, farm, "bob")
	both := []domain.Selector{{UserID: ann}, {UserID: bob}}
	var lease domain.Lease

	store.once = func() { lease = acquire(t, farm, both, domain.Terms{}) }
	if view, err := farm.ForceRelease(t.Context(), ann, 0, ""); err != nil || view.Status != domain.Free {
		t.Errorf("after another lease of the user: force release = %+v, %v", view, err)
	}
	if _, err := farm.Lease(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("the new lease = %v, want it over as a whole", err)
	}

	lease = acquire(t, farm, both, domain.Terms{})
	store.once = func() {
		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Error(err)
		}
		lease = acquire(t, farm, both, domain.Terms{})
	}
	if view, err := farm.ForceRelease(t.Context(), bob, 0, ""); err != nil || view.Status != domain.Free {
		t.Errorf("after a new lease of the user: force release = %+v, %v", view, err)
	}
	if _, err := farm.Lease(t.Context(), lease.ID); !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("the new lease = %v, want it over", err)
	}
}

func TestForceReleaseEndsNoLockWithAnotherFence(t *testing.T) {
	store := &hookedStore{Store: memory.New()}
	farm := mustNew(store, settings)
	ann := create(t, farm, "ann")
	want := []domain.Selector{{UserID: ann}}
	for round, lockAgain := range map[string]func() domain.LeaseID{
		"under another lease": func() domain.LeaseID { return acquire(t, farm, want, domain.Terms{}).ID },
		"with an open lock": func() domain.LeaseID {
			if _, err := farm.LockOpen(t.Context(), ann); err != nil {
				t.Error(err)
			}
			return domain.LeaseID{}
		},
	} {
		first := acquire(t, farm, want, domain.Terms{})
		fence := first.Users[0].Fence
		var second domain.LeaseID
		store.once = func() { // between the read and the update
			if err := farm.Release(t.Context(), first.ID); err != nil {
				t.Error(err)
			}
			second = lockAgain()
		}
		for range 2 {
			if _, err := farm.ForceRelease(t.Context(), ann, fence, ""); !errors.Is(err, domain.ErrFenceMismatch) {
				t.Errorf("%s: force release = %v", round, err)
			}
		}
		if second != (domain.LeaseID{}) {
			if _, err := farm.Lease(t.Context(), second); err != nil {
				t.Errorf("%s: the lease of the next holder = %v", round, err)
			}
		}
		if view, err := farm.ForceRelease(t.Context(), ann, fence+1, ""); err != nil || view.Status != domain.Free {
			t.Errorf("%s: force release with the right fence = %+v, %v", round, view, err)
		}
	}
}

func TestAFenceNamesTheLatestLockWhateverBecameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		ann, bob := create(t, farm, "ann"), create(t, farm, "bob")
		force := func(what string, user domain.UserID, fence uint64, want error) {
			t.Helper()
			if view, err := farm.ForceRelease(t.Context(), user, fence, ""); !errors.Is(err, want) || err == nil && view.Lock != nil {
				t.Errorf("%s: force release = %+v, %v; want %v", what, view, err, want)
			}
		}
		force("never locked", ann, 1, domain.ErrFenceMismatch)
		force("unknown", domain.UserID{9}, 1, domain.ErrUserNotFound)

		acquire(t, farm, []domain.Selector{{UserID: bob}}, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute) // nobody has swept the lock
		force("expired, and not the fence", bob, 2, domain.ErrFenceMismatch)
		force("expired", bob, 1, nil)

		both := acquire(t, farm, []domain.Selector{{UserID: ann}, {UserID: bob}}, domain.Terms{})
		force("the fence of the other user of the lease", ann, both.Users[1].Fence, domain.ErrFenceMismatch)
		force("the fence of the lock before", bob, both.Users[1].Fence-1, domain.ErrFenceMismatch)
		if _, err := farm.Lease(t.Context(), both.ID); err != nil {
			t.Errorf("the lease that nobody ended = %v", err)
		}
		if _, err := farm.Quarantine(t.Context(), ann, "broken"); err != nil {
			t.Fatal(err)
		}
		force("in quarantine", ann, both.Users[0].Fence, nil)
		if _, err := farm.Lease(t.Context(), both.ID); !errors.Is(err, domain.ErrLeaseExpired) {
			t.Errorf("the lease that was ended = %v, want it over for both users", err)
		}
	})
}

// A clean-up script ends what it has seen, while jobs come and go.
func TestForceReleaseEndsOnlyTheLocksWhoseFencesWereNamed(t *testing.T) {
	farm := newFarm(t, "ann", "bob")
	ctx, stop := context.WithCancel(t.Context())
	var jobs sync.WaitGroup
	for range 4 {
		jobs.Go(func() {
			for ctx.Err() == nil {
				lease, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, noKey)
				if err != nil {
					continue
				}
				time.Sleep(10 * time.Microsecond)
				if err := farm.Release(t.Context(), lease.ID); err != nil && !errors.Is(err, domain.ErrLeaseExpired) {
					t.Error(err)
				}
			}
		})
	}
	named := make(map[string]bool)
	for range 300 {
		time.Sleep(10 * time.Microsecond)
		page, err := farm.Users(t.Context(), ports.Query{Status: domain.Locked})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			named[fmt.Sprint(u.Login, u.Lock.Fence)] = true
			time.Sleep(10 * time.Microsecond)
			_, err := farm.ForceRelease(t.Context(), u.ID, u.Lock.Fence, "")
			if err != nil && !errors.Is(err, domain.ErrFenceMismatch) {
				t.Fatal(err)
			}
		}
	}
	stop()
	jobs.Wait()
	forced := 0
	for after, more := ports.EventID(0), true; more; {
		page, err := farm.Events(t.Context(), ports.EventQuery{After: after, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.Kind != domain.UserForced {
				continue
			}
			forced++
			if !named[fmt.Sprint(e.Login, e.Fence)] {
				t.Errorf("the lock of %s with the fence %d was ended, and nobody named it", e.Login, e.Fence)
			}
		}
		after, more = page.Next, page.Next != 0
	}
	if forced == 0 {
		t.Error("no lock was ended")
	}
}

func TestAQuarantinedUserIsNotAcquiredUntilItIsRestored(t *testing.T) {
	farm := newFarm(t)
	id := create(t, farm, "ann")
	if view, err := farm.Quarantine(t.Context(), id, "locked out"); err != nil || view.Quarantine.Reason != "locked out" {
		t.Errorf("quarantine = %+v, %v", view, err)
	}
	if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, noKey); !errors.Is(err, domain.ErrPoolExhausted) {
		t.Errorf("acquire = %v", err)
	}
	_, err := farm.Quarantine(t.Context(), id, "")
	wantFields(t, err, "/reason")
	if view, err := farm.Restore(t.Context(), id, ""); err != nil || view.Status != domain.Free {
		t.Errorf("restore = %+v, %v", view, err)
	}
	acquire(t, farm, anyone, domain.Terms{})
}

func TestAnAccountIsCreatedChangedAndRemoved(t *testing.T) {
	farm := newFarm(t)
	id := create(t, farm, "ann")
	if _, err := farm.CreateUser(t.Context(), spec("ann"), noKey); !errors.Is(err, domain.ErrUserExists) {
		t.Errorf("the same login again = %v", err)
	}
	_, err := farm.CreateUser(t.Context(), domain.Spec{}, noKey)
	wantFields(t, err, "/login", "/password", "/project_id", "/env", "/domain")

	labels, password := domain.Labels{"role": "admin"}, domain.NewSecret("new")
	view, err := farm.ChangeUser(t.Context(), id, domain.Change{Labels: &labels, Password: &password})
	if err != nil || view.Labels["role"] != "admin" {
		t.Errorf("change = %+v, %v", view, err)
	}
	lease := acquire(t, farm, []domain.Selector{{Labels: labels}}, domain.Terms{})
	if lease.Users[0].Password != password {
		t.Error("the new password is not the one that is leased")
	}
	if err := farm.RemoveUser(t.Context(), id, ""); !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("remove of a locked user = %v", err)
	}
	if err := farm.Release(t.Context(), lease.ID); err != nil {
		t.Fatal(err)
	}
	if err := farm.RemoveUser(t.Context(), id, ""); err != nil {
		t.Errorf("remove = %v", err)
	}
	if _, err := farm.User(t.Context(), id); !errors.Is(err, domain.ErrUserNotFound) {
		t.Errorf("a removed user = %v", err)
	}
}

func TestListsAreOldestFirst(t *testing.T) {
	farm := newFarm(t)
	var created []string
	for i := range 1203 { // more than two of the pages that AllAccounts reads
		login := fmt.Sprintf("user-%d", i)
		create(t, farm, login)
		created = append(created, login)
	}
	var all []string
	for account, err := range farm.AllAccounts(t.Context()) {
		if err != nil || account.Password.Reveal() != "pw-"+account.Login {
			t.Fatalf("account %q: %v", account.Login, err)
		}
		all = append(all, account.Login)
	}
	if !slices.Equal(all, created) {
		t.Errorf("AllAccounts yields %d users, want all %d in the order of their creation", len(all), len(created))
	}

	var paged []string
	for q := (ports.Query{Limit: 100}); ; {
		page, err := farm.Users(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			paged = append(paged, u.Login)
		}
		if q.After = page.Next; q.After.IsZero() {
			break
		}
	}
	if !slices.Equal(paged, created) {
		t.Errorf("the pages hold %d users, want all %d in the order of their creation", len(paged), len(created))
	}

	for _, err := range farm.AllAccounts(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break // a caller may stop early
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range farm.AllAccounts(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("with a cancelled context: %v", err)
		}
	}
	if pools, err := farm.Pools(t.Context()); err != nil || len(pools) != 1 || pools[0].Free != len(created) {
		t.Errorf("pools = %+v, %v", pools, err)
	}
}

// mustNew returns a farm with valid settings.
func mustNew(store ports.Store, settings app.Settings) *app.Farm {
	farm, err := app.New(store, settings)
	if err != nil {
		panic(err)
	}
	return farm
}

func newFarm(t *testing.T, logins ...string) *app.Farm {
	t.Helper()
	farm := mustNew(memory.New(), settings)
	for _, login := range logins {
		create(t, farm, login)
	}
	return farm
}

func create(t *testing.T, farm *app.Farm, login string) domain.UserID {
	t.Helper()
	view, err := farm.CreateUser(t.Context(), spec(login), noKey)
	if err != nil {
		t.Fatal(err)
	}
	return view.ID
}

func spec(login string) domain.Spec {
	return domain.Spec{Login: login, Password: domain.NewSecret("pw-" + login), Pool: stage}
}

func acquire(t *testing.T, farm *app.Farm, want []domain.Selector, terms domain.Terms) domain.Lease {
	t.Helper()
	lease, err := farm.Acquire(t.Context(), want, terms, noKey)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func wantFields(t *testing.T, err error, want ...string) {
	t.Helper()
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		t.Errorf("error = %v, want one that names %v", err, want)
		return
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, f.Pointer)
	}
	if !slices.Equal(got, want) {
		t.Errorf("bad fields = %v, want %v", got, want)
	}
}
