package portstest

import (
	"github.com/userfarm/userfarm/domain"
)

var farmIdempotencyTests = []farmTest{
	{"returns the same lease for the same acquire", acquireIsRepeated},
	{"returns that the lease of a key is over", acquireIsRepeatedTooLate},
	{"returns the same user for the same create", createIsRepeated},
	{"rejects another call with the same key", keysAreOfOneCall},
	{"carries a rejected call out when it is repeated", rejectionsAreForgotten},
}

func acquireIsRepeated(g *guest) {
	g.create()
	g.create()
	key := g.newKey("ü one")
	terms := domain.Terms{Owner: "ci-4711/worker-3"}
	first, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, terms, key)
	g.must(err)
	again, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, terms, key)
	g.must(err)
	g.wantEqual("the lease of the repetition", again, first)
	other, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, terms, g.newKey("two"))
	g.must(err)
	if other.ID == first.ID || other.Users[0].ID == first.Users[0].ID {
		g.Error("another key got the same lease or user")
	}
}

func acquireIsRepeatedTooLate(g *guest) {
	g.create()
	key := g.newKey("one")
	lease, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{}, key)
	g.must(err)
	g.must(g.Farm.Release(g.Context(), lease.ID))
	_, err = g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{}, key)
	g.wantErr("the repetition", err, domain.ErrLeaseExpired)
}

func createIsRepeated(g *guest) {
	key, spec := g.newKey("one"), g.spec()
	first, err := g.Farm.CreateUser(g.Context(), spec, key)
	g.must(err)
	_, err = g.Farm.Quarantine(g.Context(), first.ID, "broken")
	g.must(err)
	again, err := g.Farm.CreateUser(g.Context(), spec, key)
	g.must(err)
	g.wantEqual("the user of the repetition", again, g.user(first.ID))
}

func keysAreOfOneCall(g *guest) {
	key, spec := g.newKey("one"), g.spec()
	_, err := g.Farm.CreateUser(g.Context(), spec, key)
	g.must(err)
	_, err = g.Farm.CreateUser(g.Context(), g.spec(), key)
	g.wantErr("another create", err, domain.ErrIdempotencyMismatch)
	spec.Reason = "another"
	_, err = g.Farm.CreateUser(g.Context(), spec, key)
	g.wantErr("a create with another reason", err, domain.ErrIdempotencyMismatch)
	_, err = g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{Owner: "a"}, key)
	g.must(err) // a key names an acquire and a create
	_, err = g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{Owner: "b"}, key)
	g.wantErr("another acquire", err, domain.ErrIdempotencyMismatch)
}

func rejectionsAreForgotten(g *guest) {
	key := g.newKey("one")
	_, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{}, key)
	g.wantErr("an acquire", err, domain.ErrNoMatch)
	g.create()
	_, err = g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{}, key)
	g.must(err)
}
