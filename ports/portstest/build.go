package portstest

import (
	"fmt"
	"strconv"

	"github.com/userfarm/userfarm/domain"
)

var (
	projectA = domain.ProjectID{0: 0xa, 15: 1}
	projectB = domain.ProjectID{0: 0xb, 15: 1}
)

// anyone is the selector that matches every user.
var anyone = domain.Selector{}

// role is the selector of the users that have a role.
func role(name string) domain.Selector { return domain.Selector{Labels: domain.Labels{"role": name}} }

// named is the selector of one user.
func named(u *domain.User) domain.Selector { return domain.Selector{UserID: u.ID()} }

// times returns n equal selectors.
func times(n int, s domain.Selector) []domain.Selector {
	want := make([]domain.Selector, n)
	for i := range want {
		want[i] = s
	}
	return want
}

// build returns a user that is in no store yet and differs from all others of the test.
func (f *farm) build(change ...func(*domain.Spec)) *domain.User {
	f.Helper()
	return f.buildBy(domain.Everybody(), change...)
}

// buildBy is build for a caller.
func (f *farm) buildBy(caller domain.Caller, change ...func(*domain.Spec)) *domain.User {
	f.Helper()
	f.users++
	spec := domain.Spec{
		Login:    fmt.Sprintf("user-%d@example.com", f.users),
		Password: domain.NewSecret(passwordOf + strconv.Itoa(f.users)),
		Pool:     domain.Pool{ProjectID: projectA, Env: "staging", Domain: "shop"},
	}
	for _, c := range change {
		c(&spec)
	}
	u, err := caller.NewUser(domain.NewUserID(f.born), f.born, spec)
	if err != nil {
		f.Fatalf("NewUser: %v", err)
	}
	return u
}

func withRole(name string) func(*domain.Spec) { return withLabels(domain.Labels{"role": name}) }

func withLabels(l domain.Labels) func(*domain.Spec) {
	return func(s *domain.Spec) { s.Labels = l }
}

func withLogin(login string) func(*domain.Spec) { return func(s *domain.Spec) { s.Login = login } }

func in(pool domain.Pool) func(*domain.Spec) { return func(s *domain.Spec) { s.Pool = pool } }

// add adds a user.
func (f *farm) add(change ...func(*domain.Spec)) *domain.User {
	f.Helper()
	u := f.build(change...)
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	return u
}

// addBy adds a user for a caller with an API key.
func (f *farm) addBy(key domain.APIKeyID) *domain.User {
	f.Helper()
	u := f.buildBy(domain.Caller{Key: key})
	f.must(f.store.Add(f.Context(), domain.Once{}, u))
	return u
}

// addMany adds n equal users.
func (f *farm) addMany(n int, change ...func(*domain.Spec)) []*domain.User {
	f.Helper()
	users := make([]*domain.User, n)
	for i := range users {
		users[i] = f.build(change...)
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	return users
}

// addInOrder adds users, each with a higher id than the one before.
func (f *farm) addInOrder(n int, change ...func(*domain.Spec)) []*domain.User {
	f.Helper()
	users := make([]*domain.User, n)
	for i := range users {
		users[i] = f.buildAt(i+1, change...)
	}
	f.must(f.store.Add(f.Context(), domain.Once{}, users...))
	return users
}

// buildAt is build for a user whose id is in the order of a number below 65,536.
func (f *farm) buildAt(number int, change ...func(*domain.Spec)) *domain.User {
	f.Helper()
	s := f.build(change...).Snapshot()
	s.ID = domain.UserID{0: 1, 14: byte(number >> 8), 15: byte(number)}
	return domain.Restore(s)
}
