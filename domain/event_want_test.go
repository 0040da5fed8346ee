package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestTheEndOfALockSaysHowLongItWasHeld(t *testing.T) {
	later := noon.Add(time.Hour)
	for name, test := range map[string]struct {
		end  func(u *domain.User, lease domain.LeaseID) error
		kind domain.EventKind
		want time.Duration
	}{
		"a release": {
			func(u *domain.User, lease domain.LeaseID) error {
				return domain.Release(noon.Add(time.Second), lease, []*domain.User{u})
			},
			domain.UserReleased, time.Second,
		},
		"a release of an open lock": {
			func(u *domain.User, _ domain.LeaseID) error {
				must(t, domain.ForceRelease(noon, []*domain.User{u}, ""))
				must(t, u.LockOpen(noon, 0))
				return u.ReleaseOpen(later)
			},
			domain.UserReleased, time.Hour,
		},
		"force": {
			func(u *domain.User, _ domain.LeaseID) error {
				return domain.ForceRelease(noon.Add(time.Second), []*domain.User{u}, "stuck")
			},
			domain.UserForced, time.Second,
		},
		"an expiry that is recorded late": {
			func(u *domain.User, _ domain.LeaseID) error { u.Expire(later); return nil },
			domain.UserExpired, time.Minute,
		},
		"a release after the clock was set back": {
			func(u *domain.User, lease domain.LeaseID) error {
				return domain.Release(noon.Add(-time.Second), lease, []*domain.User{u})
			},
			domain.UserReleased, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ann := newUser("ann", nil)
			lease := grant(t, noon, time.Minute, ann)
			must(t, test.end(ann, lease.ID))
			events := ann.Events()
			if last := events[len(events)-1]; last.Kind != test.kind || last.Held != test.want {
				t.Errorf("the last event is %s after %v, want %s after %v", last.Kind, last.Held, test.kind, test.want)
			}
		})
	}
}

func TestAScopeHidesWhatAClaimWantsOfOtherProjects(t *testing.T) {
	mine, other := domain.ProjectID{1}, domain.ProjectID{2}
	ann, bob := domain.UserID{1}, domain.UserID{2}
	inMine := domain.Selector{ProjectID: mine, Env: "stage"}
	inOther := domain.Selector{ProjectID: other, Labels: domain.Labels{"role": "secret"}}
	open := domain.Selector{Env: "stage"}
	openButOther := open.In(domain.Only(other))
	named, namedElsewhere := domain.Selector{UserID: ann}, domain.Selector{UserID: bob}
	e := domain.Event{
		Kind: domain.UserAcquired, UserID: ann, Pool: domain.Pool{ProjectID: mine},
		Want: []domain.Selector{inMine, inOther, open, openButOther, named, namedElsewhere},
	}
	for name, test := range map[string]struct {
		scope domain.Scope
		want  []domain.Selector
	}{
		"all projects":     {domain.Scope{}, e.Want},
		"the user's":       {domain.Only(mine), []domain.Selector{inMine, open, named}},
		"both":             {domain.Only(mine, other), []domain.Selector{inMine, inOther, open, openButOther, named}},
		"none of them all": {domain.Only(domain.ProjectID{3}), []domain.Selector{open, named}},
	} {
		if got := e.In(test.scope).Want; !slices.EqualFunc(got, test.want, domain.Selector.Equal) {
			t.Errorf("%s: it sees %+v, want %+v", name, got, test.want)
		}
	}
	if len(e.Want) != 6 {
		t.Errorf("the event itself was changed: %+v", e.Want)
	}
}
