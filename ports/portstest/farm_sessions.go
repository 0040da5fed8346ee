package portstest

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

var farmSessionTests = []farmTest{
	{"returns to the next holder what a holder saved", sessionsAreKept},
	{"keeps sessions for holders alone", sessionsAreOfHolders},
	{"rejects a bad session", sessionsAreChecked},
}

func sessionsAreKept(g *guest) {
	user := g.create()
	lease := g.acquire(anyone)
	_, err := g.Farm.Session(g.Context(), lease.ID, user.ID)
	g.wantErr("before any was saved", err, domain.ErrSessionNotFound)
	saved, err := g.Farm.SaveSession(g.Context(), lease.ID, user.ID, domain.NewSession{Text: domain.NewSecret("cook\"ies\n"), ExpiresIn: time.Hour})
	g.must(err)
	if saved.SavedAt.IsZero() || saved.ExpiresAt.Sub(saved.SavedAt) != time.Hour {
		g.Errorf("saved at %v, until %v", saved.SavedAt, saved.ExpiresAt)
	}
	g.must(g.Farm.Release(g.Context(), lease.ID))
	lease = g.acquire(anyone)
	if !lease.Users[0].SessionSavedAt.Equal(saved.SavedAt) {
		g.Errorf("the next holder sees a session of %v, want %v", lease.Users[0].SessionSavedAt, saved.SavedAt)
	}
	got, err := g.Farm.Session(g.Context(), lease.ID, user.ID)
	g.must(err)
	g.wantEqual("the session", got, saved)
	g.must(g.Farm.DropSession(g.Context(), lease.ID, user.ID))
	g.must(g.Farm.DropSession(g.Context(), lease.ID, user.ID))
	_, err = g.Farm.Session(g.Context(), lease.ID, user.ID)
	g.wantErr("after it was dropped", err, domain.ErrSessionNotFound)
}

func sessionsAreOfHolders(g *guest) {
	user, other := g.create(), g.create()
	session := domain.NewSession{Text: domain.NewSecret("cookies")}
	lease := g.acquire(g.named(user))
	wantErrs := func(what string, lease domain.LeaseID, of domain.UserID, want error) {
		g.Helper()
		_, errRead := g.Farm.Session(g.Context(), lease, of)
		_, errSave := g.Farm.SaveSession(g.Context(), lease, of, session)
		for call, err := range map[string]error{
			"read": errRead, "save": errSave, "drop": g.Farm.DropSession(g.Context(), lease, of),
		} {
			g.wantErr(what+": "+call, err, want)
		}
	}
	wantErrs("a user outside of the lease", lease.ID, other.ID, domain.ErrUserNotFound)
	wantErrs("no user", lease.ID, domain.UserID{}, domain.ErrUserNotFound)
	wantErrs("an unknown lease", domain.NewLeaseID(), user.ID, domain.ErrLeaseNotFound)
	wantErrs("no lease", domain.LeaseID{}, user.ID, domain.ErrLeaseNotFound)
	g.must(g.Farm.Release(g.Context(), lease.ID))
	wantErrs("a lease that is over", lease.ID, user.ID, domain.ErrLeaseExpired)
}

func sessionsAreChecked(g *guest) {
	user := g.create()
	lease := g.acquire(anyone)
	_, err := g.Farm.SaveSession(g.Context(), lease.ID, user.ID, domain.NewSession{ExpiresIn: -time.Second})
	g.wantFields("no text and a time in the past", err, "/session", "/expires_in_seconds")
}
