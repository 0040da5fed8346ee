package domain_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestACallerSeesOfAWaiterWhatMayBeServedFromItsProjects(t *testing.T) {
	mine, other := domain.ProjectID{1}, domain.ProjectID{2}
	u, foreigner := domain.UserID{1}, domain.UserID{2}
	named := map[domain.UserID]*domain.User{
		u:         domain.Restore(domain.Snapshot{ID: u, Pool: domain.Pool{ProjectID: mine}}),
		foreigner: domain.Restore(domain.Snapshot{ID: foreigner, Pool: domain.Pool{ProjectID: other}}),
	}
	w := domain.Waiter{Want: []domain.Selector{
		{ProjectID: mine}, {ProjectID: other}, {Env: "stage"}, {UserID: u}, {UserID: foreigner}, {UserID: domain.UserID{3}},
	}}
	seen, ok := w.In(domain.Only(mine), named)
	if !ok || len(seen.Want) != 3 || seen.Want[0].ProjectID != mine || seen.Want[1].Env != "stage" || seen.Want[2].UserID != u {
		t.Errorf("a caller of one project sees %+v", seen.Want)
	}
	if seen, ok := w.In(domain.Scope{}, named); !ok || len(seen.Want) != 6 {
		t.Errorf("a caller of all projects sees %+v", seen.Want)
	}
	foreign := domain.Waiter{Want: []domain.Selector{
		{ProjectID: other}, domain.Selector{Env: "stage"}.In(domain.Only(other)), {UserID: foreigner},
	}}
	if seen, ok := foreign.In(domain.Only(mine), named); ok {
		t.Errorf("a caller of another project sees %+v", seen.Want)
	}
}
