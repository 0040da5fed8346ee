package portstest

import (
	"strings"

	"github.com/userfarm/userfarm/domain"
)

var farmCirculationTests = []farmTest{
	{"takes a user out of circulation and back", quarantineAndRestore},
	{"ends the lock of every user of a lease by force", forceEndsLease},
	{"ends only the lock that a fence names", forceNeedsFence},
	{"rejects reasons that break a rule", badReasonsAreRejected},
}

func quarantineAndRestore(g *guest) {
	user := g.create()
	broken, err := g.Farm.Quarantine(g.Context(), user.ID, "the account is blocked")
	g.must(err)
	if broken.Status != domain.Quarantined || broken.Quarantine == nil || broken.Quarantine.Reason != "the account is blocked" {
		g.Errorf("the user in quarantine is %+v", broken)
	}
	g.wantEqual("the user", g.user(user.ID), broken)
	restored, err := g.Farm.Restore(g.Context(), user.ID, "")
	g.must(err)
	g.wantEqual("the restored user", restored, user)
}

func forceEndsLease(g *guest) {
	user, other := g.create(), g.create()
	lease := g.acquire(g.named(user), g.named(other))
	view, err := g.Farm.ForceRelease(g.Context(), user.ID, 0, "the runner is gone")
	g.must(err)
	g.wantEqual("the user", view, user)
	g.wantStatus(other.ID, domain.Free)
	g.wantEnd(lease, domain.LeaseForced)
}

func forceNeedsFence(g *guest) {
	user := g.create()
	g.must(g.Farm.Release(g.Context(), g.acquire(anyone).ID))
	lease := g.acquire(anyone)
	for _, fence := range []uint64{1, 1<<64 - 1} {
		_, err := g.Farm.ForceRelease(g.Context(), user.ID, fence, "")
		g.wantErr("force release with another fence", err, domain.ErrFenceMismatch)
	}
	g.wantStatus(user.ID, domain.Locked)
	_, err := g.Farm.ForceRelease(g.Context(), user.ID, lease.Users[0].Fence, "")
	g.must(err)
	g.wantStatus(user.ID, domain.Free)
}

func badReasonsAreRejected(g *guest) {
	user := g.create()
	_, err := g.Farm.Quarantine(g.Context(), user.ID, "")
	g.wantFields("quarantine", err, "/reason")
	_, err = g.Farm.Restore(g.Context(), user.ID, "a\x00b")
	g.wantFields("restore", err, "/reason")
	_, err = g.Farm.ForceRelease(g.Context(), user.ID, 0, "a\x00b")
	g.wantFields("force release", err, "/reason")
	_, err = g.Farm.CreateUser(g.Context(), g.spec(func(s *domain.Spec) { s.Reason = "a\x00b" }), unkeyed)
	g.wantFields("create", err, "/reason")
	_, err = g.Farm.ChangeUser(g.Context(), user.ID, domain.Change{Labels: &domain.Labels{"role": "admin"}, Reason: "a\x00b"})
	g.wantFields("change", err, "/reason")
	g.wantFields("remove", g.Farm.RemoveUser(g.Context(), user.ID, "a\x00b"), "/reason")
	_, err = g.Farm.ImportUsers(g.Context(), domain.ImportPart{Rows: g.rows(1), Reason: strings.Repeat("x", 1025)})
	g.wantFields("import", err, "/reason")
	g.wantEqual("the users", g.everyUser(), []domain.View{user})
}
