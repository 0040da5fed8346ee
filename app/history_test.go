package app_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestEventsRecordEveryChangeOfAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		id, began := create(t, farm, "ann"), time.Now()
		create(t, farm, "bob")
		ann := []domain.Selector{{UserID: id}}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}

		lease := acquire(t, farm, ann, domain.Terms{Owner: "ci-1", Note: "smoke"})
		time.Sleep(time.Second)
		_, err := farm.Renew(t.Context(), lease.ID, time.Minute)
		must(err)
		must(farm.Release(t.Context(), lease.ID, domain.Fault{UserID: id, Reason: "cart is not empty"}))
		_, err = farm.Restore(t.Context(), id, "emptied it")
		must(err)
		acquire(t, farm, ann, domain.Terms{Owner: "ci-2"})
		_, err = farm.ForceRelease(t.Context(), id, 0, "it hangs")
		must(err)
		acquire(t, farm, ann, domain.Terms{Owner: "ci-3", TTL: time.Minute})
		time.Sleep(time.Hour)
		must(farm.RemoveUser(t.Context(), id, ""))

		want := []domain.Event{
			{Kind: domain.UserCreated},
			{Kind: domain.UserAcquired, Owner: "ci-1", Note: "smoke", Fence: 1, Want: ann},
			{Kind: domain.UserRenewed, Owner: "ci-1", Note: "smoke", Fence: 1},
			{Kind: domain.UserReleased, Owner: "ci-1", Note: "smoke", Fence: 1, Held: time.Second},
			{Kind: domain.UserQuarantined, Fence: 1, Reason: "cart is not empty"},
			{Kind: domain.UserRestored, Fence: 1, Reason: "emptied it"},
			{Kind: domain.UserAcquired, Owner: "ci-2", Fence: 2, Want: ann},
			{Kind: domain.UserForced, Owner: "ci-2", Fence: 2, Reason: "it hangs"},
			{Kind: domain.UserAcquired, Owner: "ci-3", Fence: 3, Want: ann},
			{Kind: domain.UserExpired, Owner: "ci-3", Fence: 3, Held: time.Minute},
			{Kind: domain.UserRemoved, Fence: 3},
		}
		got := events(t, farm, ports.EventQuery{UserID: id, Limit: 100})
		for i, e := range got {
			e.At = time.Time{}
			if i < len(want) {
				want[i].UserID, want[i].Login, want[i].Pool = id, "ann", stage
			}
			if i >= len(want) || !reflect.DeepEqual(e.Event, want[i]) {
				t.Errorf("event %d is %+v", i, e)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d events, want %d", len(got), len(want))
		}
		if first, last := got[0].At, got[len(got)-1].At; !first.Equal(began) || !last.Equal(time.Now()) {
			t.Errorf("the events are from %v to %v", first, last)
		}

		if owned := events(t, farm, ports.EventQuery{Owner: "ci-1", Limit: 100}); len(owned) != 3 {
			t.Errorf("%d events are about locks of ci-1, want 3", len(owned))
		}
		if late := events(t, farm, ports.EventQuery{Since: got[len(got)-1].At, Limit: 100}); len(late) != 2 {
			t.Errorf("%d events have the current time, want 2", len(late))
		}
		var paged []ports.RecordedEvent
		for more, q := true, (ports.EventQuery{UserID: id, Limit: 3}); more; {
			page, err := farm.Events(t.Context(), q)
			must(err)
			paged = append(paged, page.Events...)
			q.After, more = page.Next, page.Next != 0
		}
		if !reflect.DeepEqual(paged, got) {
			t.Error("the pages have other events than the whole list")
		}
	})
}

func TestTheHistoryHidesWhatAClaimWantsOfOtherProjects(t *testing.T) {
	n := newTwoProjects(t)
	ann := create(t, n.farm, "ann")
	createForeign(t, n.farm, "carol")
	want := []domain.Selector{{UserID: ann}, {ProjectID: foreignStage.ProjectID, Env: foreignStage.Env}}
	acquire(t, n.farm, want, domain.Terms{Owner: "ci"})
	of := ports.EventQuery{Owner: "ci", Limit: 10}
	if got := events(t, n.ours, of); len(got) != 1 || !reflect.DeepEqual(got[0].Want, want[:1]) {
		t.Errorf("a caller of one project sees %+v, want one event of a claim for %+v", got, want[:1])
	}
	if got := events(t, n.farm, of); len(got) != 2 || !reflect.DeepEqual(got[0].Want, want) {
		t.Errorf("a caller of all projects sees %+v, want two events of a claim for %+v", got, want)
	}
}

func TestALeaseThatExpiresMayQuarantineItsUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		farm := mustNew(store, app.Settings{Leases: domain.LeasePolicy{QuarantineOnExpiry: true}})
		id := create(t, farm, "ann")
		if err := farm.Release(t.Context(), acquire(t, farm, anyone, domain.Terms{}).ID); err != nil {
			t.Fatal(err)
		}
		lease := acquire(t, farm, anyone, domain.Terms{TTL: time.Minute})
		if next, err := store.EndExpired(t.Context()); err != nil || next != time.Minute {
			t.Errorf("the next expiry is in %v, %v", next, err)
		}
		time.Sleep(time.Minute)
		wantQuarantined := func() {
			t.Helper()
			view, err := farm.User(t.Context(), id)
			if err != nil || view.Quarantine == nil || !view.Quarantine.Since.Equal(lease.ExpiresAt) || view.Lock != nil {
				t.Errorf("user = %+v, %v; want it in quarantine since the expiry", view, err)
			}
		}
		wantQuarantined() // even before the expiry is recorded
		time.Sleep(time.Second)
		for range 2 { // the second call changes nothing
			if next, err := store.EndExpired(t.Context()); err != nil || next != 0 {
				t.Errorf("the next expiry is in %v, %v; want none", next, err)
			}
			wantQuarantined()
		}
		if got := events(t, farm, ports.EventQuery{Since: lease.ExpiresAt, Limit: 10}); len(got) != 2 ||
			got[0].Kind != domain.UserExpired || got[1].Kind != domain.UserQuarantined {
			t.Errorf("events = %+v", got)
		}
		if _, err := farm.Restore(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		acquire(t, farm, anyone, domain.Terms{})
	})
}

func events(t *testing.T, farm *app.Farm, q ports.EventQuery) []ports.RecordedEvent {
	t.Helper()
	page, err := farm.Events(t.Context(), q)
	if err != nil || page.Next != 0 {
		t.Fatalf("events: next %v, %v", page.Next, err)
	}
	return page.Events
}
