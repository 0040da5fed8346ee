package domain_test

import (
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestNewUserNamesEveryBadField(t *testing.T) {
	long := strings.Repeat("é", 256)
	_, err := domain.NewUser(domain.UserID{1}, noon, domain.Spec{})
	wantFields(t, err, "/login", "/password", "/project_id", "/env", "/domain")

	_, err = domain.NewUser(domain.UserID{1}, noon, domain.Spec{
		Login:    long,
		Password: domain.NewSecret("hunter2\xff"),
		Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "a\tb", Domain: long},
		Labels:   domain.Labels{"": "", "role": long},
	})
	wantFields(t, err, "/login", "/password", "/env", "/domain", "/labels/", "/labels/role")
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error quotes the password")
	}

	many := domain.Labels{}
	for i := range 65 {
		many["k"+strings.Repeat("x", i%60)+string(rune('a'+i/60))] = ""
	}
	_, err = domain.NewUser(domain.UserID{1}, noon, domain.Spec{
		Login: "ann", Password: domain.NewSecret("x"), Labels: many,
		Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"},
	})
	wantFields(t, err, "/labels")
}

func TestChangeIsAllOrNothing(t *testing.T) {
	user := newUser("ann", domain.Labels{"role": "admin"})
	password, empty := domain.NewSecret("new"), domain.NewSecret("")
	labels, bad := domain.Labels{"plan": "free"}, domain.Labels{" ": ""}

	wantFields(t, user.Change(noon, domain.Change{Password: &password, Labels: &bad}), "/labels/ ")
	wantFields(t, user.Change(noon, domain.Change{Password: &empty, Labels: &labels}), "/password")
	must(t, user.Change(noon, domain.Change{}))
	if s := user.Snapshot(); s.Password.Reveal() != "correct horse" || s.Labels["role"] != "admin" {
		t.Errorf("a refused or empty change changed %+v", s)
	}

	must(t, user.Change(noon, domain.Change{Password: &password, Labels: &labels}))
	labels["plan"] = "changed by the caller afterwards"
	if s := user.Snapshot(); s.Password != password || len(s.Labels) != 1 || s.Labels["plan"] != "free" {
		t.Errorf("after the change: %+v", s)
	}
}

func TestSnapshotsAreCopies(t *testing.T) {
	user := newUser("ann", domain.Labels{"role": "admin"})
	grant(t, noon, 1, user)
	must(t, user.Quarantine(noon, "dirty"))
	s := user.Snapshot()
	restored := domain.Restore(s)
	s.Labels["role"], s.Lock.Owner, s.Quarantine.Reason = "x", "x", "x"
	for _, u := range []*domain.User{user, restored} {
		if got := u.Snapshot(); got.Labels["role"] != "admin" || got.Lock.Owner != "ci" || got.Quarantine.Reason != "dirty" {
			t.Errorf("a change of a snapshot changed the user: %+v", got)
		}
	}
}
