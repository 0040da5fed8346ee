package domain_test

import (
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

var (
	annsKey = domain.APIKeyID{1}
	bobsKey = domain.APIKeyID{2}
)

func TestEventsRecordTheAPIKeyOfTheCaller(t *testing.T) {
	spec := domain.Spec{
		Login: "ann", Password: domain.NewSecret("correct horse"),
		Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"},
	}
	user, err := domain.Caller{Key: annsKey}.NewUser(domain.NewUserID(noon), noon, spec)
	must(t, err)
	must(t, user.Quarantine(noon, "dirty"))
	user.ActBy(bobsKey)
	must(t, user.Restore(noon, ""))
	must(t, user.LockOpen(noon, 0))
	user.ActBy(domain.APIKeyID{})
	must(t, user.ReleaseOpen(noon))
	wantEvents(t, user,
		domain.Event{At: noon, Kind: domain.UserCreated, Key: annsKey},
		domain.Event{At: noon, Kind: domain.UserQuarantined, Reason: "dirty", Key: annsKey},
		domain.Event{At: noon, Kind: domain.UserRestored, Key: bobsKey},
		domain.Event{At: noon, Kind: domain.UserAcquired, Fence: 1, Key: bobsKey},
		domain.Event{At: noon, Kind: domain.UserReleased, Fence: 1},
	)
}

func TestAnExpiryRecordsNoAPIKey(t *testing.T) {
	user := newUser("ann", nil)
	grantStrictly(t, user)
	end := user.Snapshot().Lock.ExpiresAt
	const why = "the lease expired before it was released"
	expired := domain.Event{At: end, Kind: domain.UserExpired, Owner: user.Snapshot().Lock.Owner, Note: user.Snapshot().Lock.Note, Fence: 1, Held: time.Minute}
	quarantined := domain.Event{At: end, Kind: domain.UserQuarantined, Fence: 1, Reason: why}

	for name, test := range map[string]struct {
		act  func(u *domain.User)
		want []domain.Event
	}{
		"on its own": {func(u *domain.User) { u.Expire(end) }, []domain.Event{expired, quarantined}},
		"before a restore": {
			func(u *domain.User) { must(t, u.Restore(end, "mended")) },
			[]domain.Event{expired, quarantined, {At: end, Kind: domain.UserRestored, Fence: 1, Reason: "mended", Key: annsKey}},
		},
		"before a removal": {
			func(u *domain.User) { must(t, u.Remove(end, "")) },
			[]domain.Event{expired, quarantined, {At: end, Kind: domain.UserRemoved, Fence: 1, Key: annsKey}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := user.Clone()
			u.ActBy(annsKey)
			test.act(u)
			wantEvents(t, u, test.want...)
		})
	}

	plain := newUser("bob", nil)
	lease := grant(t, noon, time.Minute, plain)
	plain = plain.Clone()
	plain.ActBy(bobsKey)
	grant(t, lease.ExpiresAt, time.Minute, plain)
	wantEvents(t, plain,
		domain.Event{At: lease.ExpiresAt, Kind: domain.UserExpired, Owner: "ci", Note: "smoke", Fence: 1, Held: time.Minute},
		domain.Event{At: lease.ExpiresAt, Kind: domain.UserAcquired, Owner: "ci", Note: "smoke", Fence: 2, Key: bobsKey},
	)
}
