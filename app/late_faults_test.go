package app_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// reported is a fault as the tests report it.
func reported(id domain.UserID) domain.Fault {
	return domain.Fault{UserID: id, Reason: "cart is not empty"}
}

// wantLate fails the test unless err says that the lease ended in this way, and what became of the faults.
func wantLate(t *testing.T, err error, end domain.LeaseEnd, want ...domain.LateFault) {
	t.Helper()
	ended, ok := errors.AsType[*domain.EndedLeaseError](err)
	if !ok || ended.End != end || !slices.Equal(ended.Faults, want) {
		t.Errorf("got %v with %+v, want that the lease was %s, with %+v", err, ended, end, want)
	}
}

// kinds returns what happened to a user, and the API key of the last event.
func kinds(t *testing.T, farm *app.Farm, id domain.UserID) (all []domain.EventKind, last domain.APIKeyID) {
	t.Helper()
	page, err := farm.Events(t.Context(), ports.EventQuery{UserID: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		all, last = append(all, e.Kind), e.Key
	}
	return all, last
}

func TestAReleaseAfterTheExpiryKeepsTheFaults(t *testing.T) {
	for _, ended := range []bool{false, true} { // whether housekeeping has recorded the expiry
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			farm := mustNew(store, settings)
			ann := create(t, farm, "ann")
			key, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ci", Role: domain.Tester})
			if err != nil {
				t.Fatal(err)
			}
			caller := farm.For(key.Caller())
			lease := acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})
			time.Sleep(time.Minute)
			if ended {
				if _, err := store.EndExpired(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				err := caller.Release(t.Context(), lease.ID, reported(ann), reported(ann))
				wantLate(t, err, domain.LeaseExpired, domain.LateFault{UserID: ann, Kept: true})
			}
			if view, err := farm.User(t.Context(), ann); err != nil || view.Quarantine == nil || view.Quarantine.Reason != "cart is not empty" {
				t.Errorf("the user is %+v, %v", view, err)
			}
			all, by := kinds(t, farm, ann)
			want := []domain.EventKind{domain.UserCreated, domain.UserAcquired, domain.UserExpired, domain.UserQuarantined}
			if !slices.Equal(all, want) || by != key.ID {
				t.Errorf("the events are %v, the last of %v", all, by)
			}
		})
	}
}

func TestALateFaultOfAUserThatMovedOnIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann", "bob", "carol")
		lease := acquire(t, farm, slices.Repeat(anyone, 3), domain.Terms{TTL: time.Minute})
		taken, removed, kept := lease.Users[0].ID, lease.Users[1].ID, lease.Users[2].ID
		time.Sleep(time.Minute)
		acquire(t, farm, []domain.Selector{{UserID: taken}}, domain.Terms{})
		if err := farm.RemoveUser(t.Context(), removed, ""); err != nil {
			t.Fatal(err)
		}
		err := farm.Release(t.Context(), lease.ID, reported(taken), reported(removed), reported(kept))
		wantLate(t, err, domain.LeaseExpired, domain.LateFault{UserID: taken}, domain.LateFault{UserID: removed}, domain.LateFault{UserID: kept, Kept: true})
		for id, want := range map[domain.UserID]domain.Status{taken: domain.Locked, kept: domain.Quarantined} {
			if view, err := farm.User(t.Context(), id); err != nil || view.Status != want {
				t.Errorf("a user is %s, want %s", view.Status, want)
			}
		}
	})
}

func TestAFormerHolderMayReportFaultsAfterARelease(t *testing.T) {
	farm := newFarm(t, "ann", "bob")
	for name, end := range map[domain.LeaseEnd]func(domain.Lease) error{
		domain.LeaseReleased: func(l domain.Lease) error { return farm.Release(t.Context(), l.ID) },
		domain.LeaseForced: func(l domain.Lease) error {
			_, err := farm.ForceRelease(t.Context(), l.Users[0].ID, 0, "it hangs")
			return err
		},
	} {
		lease := acquire(t, farm, anyone, domain.Terms{})
		if err := end(lease); err != nil {
			t.Fatal(err)
		}
		user := lease.Users[0].ID
		wantLate(t, farm.Release(t.Context(), lease.ID), name)
		wantLate(t, farm.Release(t.Context(), lease.ID, reported(user)), name, domain.LateFault{UserID: user, Kept: true})
		if view, err := farm.User(t.Context(), user); err != nil || view.Status != domain.Quarantined {
			t.Errorf("after the lease was %s, the user is %s", name, view.Status)
		}
	}
}

func TestALateFaultThatIsInvalidIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann", "bob")
		lease := acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})
		ann := lease.Users[0].ID
		time.Sleep(time.Minute)
		err := farm.Release(t.Context(), lease.ID, reported(ann), domain.Fault{UserID: ann}, reported(domain.UserID{9}))
		wantFields(t, err, "/quarantine/1/reason", "/quarantine/2/user_id")
		if all, _ := kinds(t, farm, ann); !slices.Equal(all, []domain.EventKind{domain.UserCreated, domain.UserAcquired}) {
			t.Errorf("the events are %v", all)
		}
	})
}

func TestALateFaultOutsideOfTheScopeChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farms := newTwoProjects(t)
		foreign, mine := createForeign(t, farms.farm, "carol"), create(t, farms.farm, "ann")
		lease := acquire(t, farms.farm, []domain.Selector{{UserID: foreign}, {UserID: mine}}, domain.Terms{TTL: time.Minute})
		time.Sleep(time.Minute)
		for range 2 { // before the expiry is recorded, and after
			for _, faults := range [][]domain.Fault{{reported(foreign)}, {reported(mine)}, {{UserID: mine}}, {reported(domain.UserID{9})}} {
				if err := farms.ours.Release(t.Context(), lease.ID, faults...); !errors.Is(err, domain.ErrLeaseNotFound) {
					t.Errorf("release = %v", err)
				}
			}
			if view, err := farms.farm.User(t.Context(), mine); err != nil || view.Status != domain.Free {
				t.Errorf("the user is %s, %v", view.Status, err)
			}
			wantLate(t, farms.farm.Release(t.Context(), lease.ID, reported(foreign)), domain.LeaseExpired, domain.LateFault{UserID: foreign, Kept: true})
		}
	})
}

// setBack is a store whose clock was set back after its first update, to before the end of the lease.
type setBack struct {
	ports.Store
	updates int
}

// Update implements [ports.Users].
func (s *setBack) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	if s.updates++; s.updates == 1 {
		return nil, domain.ErrLeaseExpired
	}
	return s.Store.Update(ctx, target, decide)
}

func TestALateFaultOfALeaseThatIsNotOverAfterAllIsNotKept(t *testing.T) {
	farm := mustNew(&setBack{Store: memory.New()}, settings)
	ann := create(t, farm, "ann")
	lease := acquire(t, farm, anyone, domain.Terms{})
	if err := farm.Release(t.Context(), lease.ID, reported(ann)); !errors.Is(err, domain.ErrLeaseExpired) {
		t.Errorf("release = %v", err)
	}
	if view, err := farm.User(t.Context(), ann); err != nil || view.Status != domain.Locked {
		t.Errorf("the user is %s, %v", view.Status, err)
	}
}
