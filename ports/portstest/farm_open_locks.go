package portstest

import "github.com/userfarm/userfarm/domain"

var farmOpenLockTests = []farmTest{
	{"locks a user until it is released", openLockLasts},
	{"locks only a user that is free", openLockNeedsFreeUser},
	{"releases only open locks", openReleaseNeedsOpenLock},
}

func openLockLasts(g *guest) {
	user := g.create()
	since, err := g.Farm.LockOpen(g.Context(), user.ID)
	g.must(err)
	g.wantEqual("the lock", g.user(user.ID).Lock, &domain.LockView{AcquiredAt: since, Fence: 1})
	g.must(g.Farm.ReleaseOpen(g.Context(), user.ID))
	g.wantStatus(user.ID, domain.Free)
}

func openLockNeedsFreeUser(g *guest) {
	locked, broken := g.create(), g.create()
	g.acquire(g.named(locked))
	_, err := g.Farm.Quarantine(g.Context(), broken.ID, "broken")
	g.must(err)
	for id, want := range map[domain.UserID]error{
		locked.ID: domain.ErrUserLocked, broken.ID: domain.ErrUserQuarantined, {9}: domain.ErrUserNotFound, {}: domain.ErrUserNotFound,
	} {
		_, err := g.Farm.LockOpen(g.Context(), id)
		g.wantErr("lock", err, want)
	}
}

func openReleaseNeedsOpenLock(g *guest) {
	leased, free := g.create(), g.create()
	g.acquire(g.named(leased))
	for id, want := range map[domain.UserID]error{
		leased.ID: domain.ErrHeldByLease, free.ID: domain.ErrUserFree, {9}: domain.ErrUserNotFound, {}: domain.ErrUserNotFound,
	} {
		g.wantErr("release", g.Farm.ReleaseOpen(g.Context(), id), want)
	}
}
