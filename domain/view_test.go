package domain_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestViewsShowTheLockUntilItExpires(t *testing.T) {
	user := newUser("ann", domain.Labels{"role": "admin"})
	s := user.Snapshot()
	free := domain.View{
		ID: s.ID, CreatedAt: noon, Login: "ann", Pool: s.Pool, Labels: domain.Labels{"role": "admin"}, Status: domain.Free,
	}
	wantView(t, user.View(noon), free)

	grant(t, noon, time.Minute, user)
	must(t, user.Quarantine(noon, "dirty"))
	held := free
	held.Status = domain.Quarantined
	held.Lock = &domain.LockView{Owner: "ci", Note: "smoke", AcquiredAt: noon, ExpiresAt: noon.Add(time.Minute), Fence: 1}
	held.Quarantine = &domain.Quarantine{Reason: "dirty", Since: noon}
	wantView(t, user.View(noon.Add(time.Minute-tick)), held)

	held.Lock = nil
	wantView(t, user.View(noon.Add(time.Minute)), held)

	account := user.Account(noon.Add(time.Minute))
	wantView(t, account.View, held)
	if account.Password != domain.NewSecret("correct horse") {
		t.Error("the account lacks its password")
	}
}

func TestViewsAreCopies(t *testing.T) {
	user := newUser("ann", domain.Labels{"role": "admin"})
	must(t, user.Quarantine(noon, "dirty"))
	view := user.View(noon)
	view.Labels["role"], view.Quarantine.Reason = "x", "x"
	if again := user.View(noon); again.Labels["role"] != "admin" || again.Quarantine.Reason != "dirty" {
		t.Errorf("a change of a view changed the user: %+v", again)
	}
}

func wantView(t *testing.T, got, want domain.View) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("view = %+v, want %+v", got, want)
	}
}
