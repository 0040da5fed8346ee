package dashboard_test

import (
	"testing"

	"github.com/userfarm/userfarm/domain"
)

// A link with a filter shows what the filter says, on each page for which it makes sense.
func TestFiltersWorkOnEachPage(t *testing.T) {
	f := newFarm(t)
	add := func(login string, project domain.ProjectID, env, kind, role string) domain.View {
		user, err := f.CreateUser(t.Context(), domain.Spec{
			Login: login, Password: domain.NewSecret("pw"), Labels: domain.Labels{"role": role},
			Pool: domain.Pool{ProjectID: project, Env: env, Domain: kind},
		}, domain.IdempotencyKey{})
		if err != nil {
			t.Fatal(err)
		}
		return user
	}
	ann, bob := add("ann@shop", shop, "stage", "regular", "admin"), add("bob@bank", bank, "prod", "vip", "buyer")
	if err := f.NameProject(t.Context(), domain.Project{ID: shop, Name: "Shop"}, ""); err != nil {
		t.Fatal(err)
	}
	f.acquire(ann.ID, "ci-of-ann", "")
	f.acquire(bob.ID, "ci-of-bob", "")
	f.wait("waits-for-ann", domain.Selector{ProjectID: shop, Env: "stage", Domain: "regular", Labels: domain.Labels{"role": "admin"}})
	f.wait("waits-for-bob", domain.Selector{ProjectID: bank, Env: "prod", Domain: "vip", Labels: domain.Labels{"role": "buyer"}})
	b := f.signedIn(domain.Viewer)

	pool := []string{"project=shop", "project=" + shop.String(), "env=stage", "domain=regular", "project=Shop&env=stage&domain=regular"}
	const label, owner, login = "label=role:admin", "owner=ci-of-ann", "login=ANN@shop"
	for page, filters := range map[string][]string{
		"overview": append(pool, label, owner, login),
		"users":    append(pool, label, owner, login, label+"&"+owner+"&"+login+"&status=locked"),
		"history":  append(pool, owner, login, owner+"&kind=acquired"),
	} {
		for _, filter := range filters {
			b.get(page + "?" + filter).want(200).has("ann@shop").hasNot(">bob@bank<")
		}
	}
	for _, filter := range append(pool, label, "owner=waits-for-ann", login) {
		b.get("line?"+filter).want(200).has(">waits-for-ann<", "2 in line, 1 like that").hasNot(">waits-for-bob<")
	}
	for _, filter := range pool {
		b.get("pools?" + filter).want(200).has("Shop").hasNot("vip")
		b.get("advice?" + filter).want(200).has("Shop").hasNot("vip")
	}
}
