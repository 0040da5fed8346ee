package portstest

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

var farmRefusalTests = []farmTest{
	{"grants all users or none", allOrNone},
	{"says which selectors no user matches, and what comes closest", refusesNoMatch},
	{"says who holds the users", refusesExhausted},
	{"says that all users are in quarantine", refusesQuarantined},
	{"says what became of a user that is named", refusesNamed},
}

func allOrNone(g *guest) {
	user := g.create()
	_, err := g.tryAcquire(g.named(user), role("admin"))
	g.wantErr("an acquire of one user too many", err, domain.ErrNoMatch)
	g.wantStatus(user.ID, domain.Free)
}

func refusesNoMatch(g *guest) {
	for _, label := range []string{"buyer", "seller", "guest", "robot"} {
		g.create(withLabels(domain.Labels{"a/b": label}))
	}
	near := domain.Selector{ProjectID: projectA, Env: "stage", Labels: domain.Labels{"a/b": "sellers"}}
	nearer := domain.Selector{ProjectID: projectA, Labels: near.Labels}
	_, err := g.tryAcquire(anyone, nearer, near, domain.Selector{ProjectID: projectB})
	unmatched := errorAs[*domain.UnmatchedError](g, "an acquire that no user matches", err)
	g.wantErr("an acquire that no user matches", err, domain.ErrNoMatch)
	g.wantEqual("the selectors", unmatched.Selectors, []int{1, 2, 3})
	if len(unmatched.Closest) < 2 {
		g.Fatalf("what comes closest is %+v", unmatched.Closest)
	}
	label := unmatched.Closest[0]
	if label.Selector != 1 || label.Field != domain.FieldLabel("a/b") || label.Wanted() != "sellers" || label.Users != 4 ||
		len(label.Values) != 3 || label.Values[0] != "seller" || !label.Others {
		g.Errorf("what comes closest is %+v", label)
	}
	noField := slices.IndexFunc(unmatched.Closest, func(m domain.NearMiss) bool { return m.Selector == 2 })
	if m := unmatched.Closest[noField]; m.Field != (domain.Field{}) || m.Users != 4 || !m.Want.Equal(near) {
		g.Errorf("if no field alone is to blame, what comes closest is %+v", m)
	}
}

func refusesExhausted(g *guest) {
	user, open := g.create(), g.create()
	lease := g.acquire(g.named(user))
	_, err := g.Farm.LockOpen(g.Context(), open.ID)
	g.must(err)
	_, err = g.tryAcquire(anyone)
	g.wantErr("an acquire of users that are held", err, domain.ErrPoolExhausted)
	unmatched := errorAs[*domain.UnmatchedError](g, "an acquire of users that are held", err)
	g.wantEqual("the selectors", unmatched.Selectors, []int{0})
	g.wantEqual("why they are not free", unmatched.Occupancy, &domain.Occupancy{HeldBy: []domain.Holder{
		{Login: user.Login, Owner: lease.Owner, Note: lease.Note, ExpiresAt: lease.ExpiresAt}, {Login: open.Login},
	}})
}

func refusesQuarantined(g *guest) {
	user := g.create()
	_, err := g.Farm.Quarantine(g.Context(), user.ID, "broken")
	g.must(err)
	_, err = g.tryAcquire(anyone)
	unmatched := errorAs[*domain.UnmatchedError](g, "an acquire of users in quarantine", err)
	g.wantEqual("why they are not free", unmatched.Occupancy, &domain.Occupancy{Quarantined: []int{0}})
}

func refusesNamed(g *guest) {
	locked, broken := g.create(), g.create()
	lease := g.acquire(g.named(locked))
	_, err := g.Farm.Quarantine(g.Context(), broken.ID, "broken")
	g.must(err)

	_, err = g.tryAcquire(anyone, g.named(locked))
	g.wantErr("an acquire of a locked user", err, domain.ErrUserLocked)
	g.wantEqual("the error", errorAs[*domain.SelectorError](g, "an acquire of a locked user", err), &domain.SelectorError{
		Reason: domain.ErrUserLocked, Selector: 1, Occupancy: &domain.Occupancy{HeldBy: []domain.Holder{
			{Login: locked.Login, Owner: lease.Owner, Note: lease.Note, ExpiresAt: lease.ExpiresAt},
		}},
	})
	_, err = g.tryAcquire(g.named(broken))
	g.wantErr("an acquire of a user in quarantine", err, domain.ErrUserQuarantined)
	g.wantEqual("the error", errorAs[*domain.SelectorError](g, "an acquire of a user in quarantine", err), &domain.SelectorError{
		Reason: domain.ErrUserQuarantined, Occupancy: &domain.Occupancy{Quarantined: []int{0}},
	})
	_, err = g.tryAcquire(domain.Selector{UserID: domain.UserID{9}})
	g.wantErr("an acquire of an unknown user", err, domain.ErrUserNotFound)
	g.wantEqual("the error", errorAs[*domain.SelectorError](g, "an acquire of an unknown user", err), &domain.SelectorError{
		Reason: domain.ErrUserNotFound,
	})
}
