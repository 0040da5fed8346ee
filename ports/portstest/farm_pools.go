package portstest

import "github.com/userfarm/userfarm/domain"

var farmPoolTests = []farmTest{
	{"counts the users of every pool", poolsAreCounted},
	{"has an empty line when no acquire waits", lineIsEmpty},
}

func poolsAreCounted(g *guest) {
	here := domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"}
	there := domain.Pool{ProjectID: projectB, Env: "prod", Domain: "blog"}
	g.create(in(there))
	g.create(in(here))
	locked, broken := g.create(in(here)), g.create(in(here))
	g.acquire(g.named(locked))
	_, err := g.Farm.Quarantine(g.Context(), broken.ID, "broken")
	g.must(err)
	counts, err := g.Farm.Pools(g.Context())
	g.must(err)
	g.wantEqual("the counts", counts, []domain.PoolCount{
		{Pool: here, Total: 3, Free: 1, Locked: 1, Quarantined: 1}, {Pool: there, Total: 1, Free: 1},
	})
}

func lineIsEmpty(g *guest) {
	line, total, err := g.Farm.Line(g.Context(), 0)
	g.must(err)
	if len(line) != 0 || total != 0 {
		g.Errorf("the line has %d acquires, and lists %+v", total, line)
	}
}
