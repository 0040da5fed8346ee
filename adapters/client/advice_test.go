package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func TestAdviceForAnAPIKeyIsAboutItsProjects(t *testing.T) {
	farm, _ := newFarm(t)
	address := serveGate(t, "127.0.0.1:0", gateOf(farm)).address
	theirs := domain.Pool{ProjectID: domain.ProjectID{2}, Env: "their-stage", Domain: "theirs"}
	create(t, farm, "ann")
	_, err := farm.CreateUser(t.Context(), domain.Spec{Login: "bob", Password: domain.NewSecret("pw"), Pool: theirs}, noKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, pool := range []domain.Pool{stage, theirs} {
		want := domain.Selector{ProjectID: pool.ProjectID}
		if _, err := farm.Acquire(t.Context(), []domain.Selector{want}, domain.Terms{TTL: ttl}, noKey); err != nil {
			t.Fatal(err)
		}
	}
	for role, spec := range map[string]domain.KeySpec{
		"a tester": {Name: "tests", Role: domain.Tester, Scope: domain.Only(stage.ProjectID)},
		"a viewer": {Name: "views", Role: domain.Viewer, Scope: domain.Only(stage.ProjectID)},
	} {
		_, token, err := farm.CreateKey(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		ours := connect(t, address, client.WithAPIKey(token.Reveal()))
		advice, err := ours.Advice(t.Context(), ports.AdviceQuery{})
		if err != nil || len(advice.Wants) != 1 || advice.Wants[0].Pool != stage || advice.Claims != 1 {
			t.Errorf("%s gets %+v, %v; want advice about its pool", role, advice, err)
		}
		if told := fmt.Sprintf("%+v", advice); strings.Contains(told, "their") {
			t.Errorf("%s is told %s", role, told)
		}
		if _, err = ours.Advice(t.Context(), ports.AdviceQuery{ProjectID: theirs.ProjectID}); !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("%s gets %v for another project", role, err)
		}
		if advice, err = ours.Advice(t.Context(), ports.AdviceQuery{Env: theirs.Env}); err != nil || len(advice.Wants) > 0 {
			t.Errorf("%s gets %+v, %v for another pool", role, advice, err)
		}
	}
}
