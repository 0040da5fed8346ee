package domain_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestACallerSeesOfAWaiterWhatMayBeServedFromItsProjects(t *testing.T) {
	mine, other := domain.ProjectID{1}, domain.ProjectID{2}
	w := domain.Waiter{Want: []domain.Selector{{ProjectID: mine}, {ProjectID: other}, {Env: "stage"}}}
	seen, ok := w.In(domain.Only(mine))
	if !ok || len(seen.Want) != 2 || seen.Want[0].ProjectID != mine || seen.Want[1].Env != "stage" {
		t.Errorf("a caller of one project sees %+v", seen.Want)
	}
	if seen, ok := w.In(domain.Scope{}); !ok || len(seen.Want) != 3 {
		t.Errorf("a caller of all projects sees %+v", seen.Want)
	}
	foreign := domain.Waiter{Want: []domain.Selector{{ProjectID: other}, domain.Selector{Env: "stage"}.In(domain.Only(other))}}
	if seen, ok := foreign.In(domain.Only(mine)); ok {
		t.Errorf("a caller of another project sees %+v", seen.Want)
	}
}
