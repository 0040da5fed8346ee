package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestEventsRecordWhatAUserIsCreatedChangedAndRemovedFor(t *testing.T) {
	password := domain.NewSecret("correct horse")
	ann, err := domain.NewUser(domain.UserID{1}, noon, domain.Spec{Login: "ann", Password: password, Pool: importPool, Reason: "for the checkout"})
	must(t, err)
	must(t, ann.Change(noon, domain.Change{Labels: &domain.Labels{"role": "admin"}, Reason: "needs more rights"}))
	must(t, ann.Change(noon, domain.Change{Labels: &domain.Labels{}}))
	must(t, ann.Remove(noon, "the project has ended"))
	wantEvents(t, ann,
		domain.Event{At: noon, Kind: domain.UserCreated, Reason: "for the checkout"},
		domain.Event{At: noon, Kind: domain.UserChanged, Changed: domain.ChangedFields{Labels: true}, Reason: "needs more rights"},
		domain.Event{At: noon, Kind: domain.UserChanged, Changed: domain.ChangedFields{Labels: true}},
		domain.Event{At: noon, Kind: domain.UserRemoved, Reason: "the project has ended"},
	)
	if got := ann.Spec().Reason; got != "" {
		t.Errorf("the user would be created again because of %q", got)
	}
}

func TestAReasonMakesNoChangeOfTheSameValues(t *testing.T) {
	ann := newUser("ann", nil).Clone()
	same := domain.NewSecret("correct horse")
	must(t, ann.Change(noon, domain.Change{Reason: "of nothing"}))
	must(t, ann.Change(noon, domain.Change{Password: &same, Reason: "of the same"}))
	wantEvents(t, ann)
}

func TestTheReasonOfARemovalIsNotThatOfAnExpiryBeforeIt(t *testing.T) {
	ann := newUser("ann", nil)
	end := grant(t, noon, time.Minute, ann).ExpiresAt
	ann = ann.Clone()
	must(t, ann.Remove(end, "for good"))
	wantEvents(t, ann,
		domain.Event{At: end, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute},
		domain.Event{At: end, Kind: domain.UserRemoved, Fence: 1, Reason: "for good"},
	)
}

func TestAnImportRecordsItsReason(t *testing.T) {
	caller, password := domain.Caller{Key: annsKey}, domain.NewSecret("pw")
	row := domain.ImportRow{Login: "ann", Pool: importPool, Password: &password, Labels: &domain.Labels{}}
	ann, _, broken := caller.Merge(noon, domain.UserID{1}, row, "for the load test", nil)
	if len(broken) > 0 {
		t.Fatal(broken)
	}
	row.Labels = &domain.Labels{"role": "admin"}
	for _, reason := range []string{"needs more rights", "once more"} { // the second one changes nothing
		if _, _, broken := caller.Merge(noon, domain.UserID{}, row, reason, ann); len(broken) > 0 {
			t.Fatal(broken)
		}
	}
	wantEvents(t, ann,
		domain.Event{At: noon, Kind: domain.UserCreated, Reason: "for the load test", Key: annsKey},
		domain.Event{At: noon, Kind: domain.UserChanged, Changed: domain.ChangedFields{Labels: true}, Reason: "needs more rights", Key: annsKey},
	)
}

// Every reason has the same rule, except that a quarantine needs one.
func TestABadReasonChangesNothing(t *testing.T) {
	for _, bad := range []string{"a\nb", "\xff", strings.Repeat("\u00e9", 1025)} {
		_, err := domain.NewUser(domain.UserID{1}, noon, domain.Spec{
			Login: "ann", Password: domain.NewSecret("x"), Pool: importPool, Reason: bad,
		})
		wantFields(t, err, "/reason")
		ann := newUser("ann", nil).Clone()
		change := domain.Change{Labels: &domain.Labels{"role": "admin"}, Password: new(domain.Secret{}), Reason: bad}
		wantFields(t, ann.Change(noon, change), "/password", "/reason")
		wantFields(t, ann.Remove(noon, bad), "/reason")
		wantFields(t, ann.Restore(noon, bad), "/reason")
		wantFields(t, domain.ForceRelease(noon, []*domain.User{ann}, bad), "/reason")
		wantFields(t, domain.CheckReason(bad), "/reason")
		wantEvents(t, ann)
		if len(ann.Snapshot().Labels) > 0 {
			t.Error("the labels were changed")
		}
	}
	must(t, domain.CheckReason(""))
	must(t, domain.CheckReason(strings.Repeat("\u00e9", 1024)))
}
