package portstest

import (
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var lineReadTests = []storeTest{
	{"lists the line with who asks for what, and since when", lineListed},
	{"lists at most so many waiters, and counts all", lineListLimit},
	{"lists for a scope what its projects may serve", lineListScope},
	{"lists a claim of a named user only for its project", lineListScopeNamed},
	{"lists no claim that was served, left or is away", lineListGone},
	{"counts the waiters that compete with a claim", lineCompete},
	{"counts the waiters of a named user where the user matches", lineCompeteNamed},
	{"does not count a claim that was just refused", lineCompeteRefused},
}

func lineListed(f *farm) {
	u := f.add(withRole("admin"))
	f.acquireFor(time.Hour, anyone)
	asker := domain.Asker{Owner: "ci-1/worker-2", Note: "a note", Key: f.addKey().ID}
	began := f.now()
	f.standFor(ports.Claim{Want: []domain.Selector{role("admin")}, Wait: domain.MaxWait, Asker: asker})
	f.standFor(ports.Claim{Want: []domain.Selector{named(u)}, Wait: 10 * time.Second})
	line, total, err := f.store.Line(f.Context(), domain.Scope{}, 100)
	f.must(err)
	if total != 2 || len(line) != 2 {
		f.Fatalf("the line has %d of %d waiters, want 2", len(line), total)
	}
	if line[0].Asker != asker || len(line[0].Want) != 1 || !line[0].Want[0].Equal(role("admin")) {
		f.Fatalf("the first waiter is %+v", line[0])
	}
	if line[1].Asker != (domain.Asker{}) || len(line[1].Want) != 1 || !line[1].Want[0].Equal(named(u)) {
		f.Fatalf("the second waiter is %+v", line[1])
	}
	for i, wait := range []time.Duration{domain.MaxWait, 10 * time.Second} {
		// The time between a call and its place in line is part of the wait.
		if got := line[i].Until.Sub(line[i].Since); got > wait || got < wait-time.Minute/2 {
			f.Fatalf("waiter %d waits for %v, want %v", i, got, wait)
		}
		if line[i].Since.Before(began) {
			f.Fatalf("waiter %d waits since %v, before %v", i, line[i].Since, began)
		}
	}
}

func lineListLimit(f *farm) {
	f.add()
	f.acquireFor(time.Hour, anyone)
	for range 3 {
		f.stand(anyone)
	}
	line, total, err := f.store.Line(f.Context(), domain.Scope{}, 2)
	f.must(err)
	if len(line) != 2 || total != 3 {
		f.Fatalf("the line has %d of %d waiters, want 2 of 3", len(line), total)
	}
}

func lineListScope(f *farm) {
	mine, other := f.add().Pool().ProjectID, f.add(func(s *domain.Spec) { s.Pool.ProjectID = domain.ProjectID{9} }).Pool().ProjectID
	f.acquireFor(time.Hour, anyone, anyone)
	f.stand(domain.Selector{ProjectID: other})
	f.stand(domain.Selector{ProjectID: mine}, domain.Selector{ProjectID: other})
	line, total, err := f.store.Line(f.Context(), domain.Only(mine), 100)
	f.must(err)
	if total != 1 || len(line) != 1 || len(line[0].Want) != 1 || line[0].Want[0].ProjectID != mine {
		f.Fatalf("a caller of one project sees %d waiters: %+v", total, line)
	}
}

func lineListScopeNamed(f *farm) {
	mine, other := f.add(), f.add(inProject(projectB))
	f.acquireFor(time.Hour, anyone, anyone)
	f.stand(named(other)) // by a caller of all projects
	f.stand(named(other), named(mine))
	for _, c := range []struct {
		scope domain.Scope
		wants [][]domain.Selector
	}{
		{domain.Scope{}, [][]domain.Selector{{named(other)}, {named(other), named(mine)}}},
		{domain.Only(projectA), [][]domain.Selector{{named(mine)}}},
		{domain.Only(projectB, projectC), [][]domain.Selector{{named(other)}, {named(other)}}},
		{domain.Only(projectC), nil},
	} {
		line, total, err := f.store.Line(f.Context(), c.scope, 100)
		f.must(err)
		same := func(w domain.Waiter, want []domain.Selector) bool {
			return slices.EqualFunc(w.Want, want, domain.Selector.Equal)
		}
		if total != len(c.wants) || !slices.EqualFunc(line, c.wants, same) {
			f.Fatalf("a caller of %+v sees %d waiters: %+v", c.scope, total, line)
		}
	}
}

func lineListGone(f *farm) {
	f.add()
	held := f.acquireFor(time.Hour, anyone)
	f.standAway("a")
	w := f.stand(anyone)
	f.stand(anyone).leaveNow()
	f.must(f.release(held.ID))
	w.served()
	f.shrinks(1)
	line, total, err := f.store.Line(f.Context(), domain.Scope{}, 100)
	f.must(err)
	if total != 0 || len(line) != 0 {
		f.Fatalf("the line has %d waiters: %+v", total, line)
	}
}

func lineCompete(f *farm) {
	f.add(withRole("admin"))
	f.add(withRole("plain"))
	f.acquireFor(time.Hour, anyone, anyone)
	f.stand(role("admin"))
	f.stand(role("admin"))
	f.stand(domain.Selector{Env: f.everyone()[0].Pool().Env})
	for _, c := range []struct {
		want  domain.Selector
		count int
	}{{role("admin"), 3}, {anyone, 3}, {domain.Selector{Env: "nowhere"}, 2}} {
		got, err := f.store.CountWaiting(f.Context(), []domain.Selector{c.want})
		f.must(err)
		if got != c.count {
			f.Fatalf("%d waiters compete with a claim of %+v, want %d", got, c.want, c.count)
		}
	}
}

func lineCompeteNamed(f *farm) {
	u, other := f.add(withRole("admin")), f.add(withRole("plain"), inProject(projectB))
	f.acquireFor(time.Hour, anyone, anyone)
	f.stand(named(u))
	f.stand(anyone)
	for _, c := range []struct {
		want  domain.Selector
		count int
	}{
		{named(u), 2}, {named(other), 1}, {anyone, 2}, {role("admin"), 2}, {role("plain"), 1}, {role("none"), 1},
		{domain.Selector{ProjectID: projectA}, 2}, {domain.Selector{ProjectID: projectB}, 1},
		{anyone.In(domain.Only(projectA)), 2}, {anyone.In(domain.Only(projectB)), 1}, {named(u).In(domain.Only(projectB)), 0},
	} {
		got, err := f.store.CountWaiting(f.Context(), []domain.Selector{c.want})
		f.must(err)
		if got != c.count {
			f.Fatalf("%d waiters compete with a claim of %+v, want %d", got, c.want, c.count)
		}
	}
}

// A refusal says how many others wait.
func lineCompeteRefused(f *farm) {
	f.add()
	f.acquireFor(time.Hour, anyone)
	f.stand(anyone)
	for i := range 10 { // a store may take a moment to write down that a claim has left
		refused := f.standFor(f.patientFor(time.Second, fmt.Sprint(i)))
		f.advance(time.Second)
		_, err := refused.end()
		f.wantErr("a claim whose time is up", err, domain.ErrPoolExhausted)
		got, err := f.store.CountWaiting(f.Context(), []domain.Selector{anyone})
		f.must(err)
		if got != 1 {
			f.Fatalf("%d waiters compete with a claim that was refused, want the other one", got)
		}
		f.shrinks(2)
	}
}
