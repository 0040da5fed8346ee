package portstest

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

var farmWaitingTests = []farmTest{
	{"serves acquires that wait in the order of the line", waitersAreServed},
	{"refuses an acquire that has waited for long enough", waitersAreRefused},
	{"keeps the place of an acquire that asks again", placesAreKept},
	{"returns when the context of a waiter ends", waitersMayLeave},
}

func waitersAreServed(g *guest) {
	g.create(withRole("admin"))
	lease := g.acquire(anyone)
	first := g.stand(g.Context(), 1, domain.Terms{Owner: "first", Note: "a note", Wait: domain.MaxWait}, unkeyed, role("admin"))
	second := g.stand(g.Context(), 2, domain.Terms{Owner: "second", Wait: domain.MaxWait}, unkeyed, anyone)

	line, total, err := g.Farm.Line(g.Context(), 1)
	g.must(err)
	if total != 2 || len(line) != 1 {
		g.Fatalf("the line has %d acquires, of which %d are listed; want 2 and 1", total, len(line))
	}
	since := line[0].Since
	if since.Before(lease.AcquiredAt) {
		g.Errorf("the first acquire came at %v, before it began", since)
	}
	g.wantEqual("the first in line", line[0], domain.Waiter{
		Want: []domain.Selector{role("admin")}, Asker: domain.Asker{Owner: "first", Note: "a note"}, Since: since, Until: line[0].Until,
	})

	for _, waiter := range []<-chan granted{first, second} {
		g.must(g.Farm.Release(g.Context(), lease.ID))
		served := <-waiter
		g.must(served.err)
		lease = served.lease
	}
	if lease.Owner != "second" {
		g.Errorf("the last to be served is %q, want second", lease.Owner)
	}
}

func waitersAreRefused(g *guest) {
	g.create()
	g.acquire(anyone)
	_, err := g.Farm.Acquire(g.Context(), []domain.Selector{anyone}, domain.Terms{Wait: time.Second}, unkeyed)
	g.wantErr("an acquire that has waited", err, domain.ErrPoolExhausted)
}

func placesAreKept(g *guest) {
	g.create()
	lease := g.acquire(anyone)
	early, key := domain.Terms{Owner: "early", Wait: time.Second}, g.newKey("early")
	if left := <-g.stand(g.Context(), 1, early, key, anyone); left.err == nil {
		g.Fatal("the early acquire got a user that is held")
	}
	late := g.stand(g.Context(), 1, domain.Terms{Owner: "late", Wait: domain.MaxWait}, unkeyed, anyone)
	early.Wait = domain.MaxWait
	again := g.stand(g.Context(), 2, early, key, anyone)
	g.must(g.Farm.Release(g.Context(), lease.ID))
	served := <-again
	g.must(served.err)
	g.must(g.Farm.Release(g.Context(), served.lease.ID))
	g.must((<-late).err)
}

func waitersMayLeave(g *guest) {
	g.create()
	g.acquire(anyone)
	ctx, cancel := context.WithCancel(g.Context())
	defer cancel()
	waiter := g.stand(ctx, 1, domain.Terms{Wait: domain.MaxWait}, unkeyed, anyone)
	cancel()
	if left := <-waiter; left.err == nil {
		g.Error("the waiter got a user that is held")
	}
}
