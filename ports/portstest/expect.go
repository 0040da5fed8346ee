package portstest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

func (f *farm) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

// wantErr fails the test unless err is want.
func (f *farm) wantErr(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// undecided is a [ports.Decide] that must not be called.
func (f *farm) undecided(time.Time, []*domain.User) error {
	f.Error("decide was called, but there was nothing to decide")
	return nil
}

// wantStatus fails the test unless Find and List both report this status of the user.
func (f *farm) wantStatus(id domain.UserID, want domain.Status) {
	f.Helper()
	users, now, err := f.store.Find(f.Context(), ports.ByUser(id))
	f.must(err)
	if got := users[0].Status(now); got != want {
		f.Fatalf("user is %s, want %s", got, want)
	}
	for _, status := range []domain.Status{domain.Free, domain.Locked, domain.Quarantined} {
		listed := slices.Contains(f.list(ports.Query{Status: status}), id)
		if listed != (status == want) {
			f.Fatalf("user is %s: listed among the %s users: %v", want, status, listed)
		}
	}
}

// wantFence fails the test unless the user was locked this many times.
func (f *farm) wantFence(id domain.UserID, want uint64) {
	f.Helper()
	if got := f.get(id).Snapshot().Fence; got != want {
		f.Fatalf("fence is %d, want %d", got, want)
	}
}

// wantUsers fails the test unless the lease has these users in this order.
func (f *farm) wantUsers(lease domain.Lease, want ...*domain.User) {
	f.Helper()
	got := make([]domain.UserID, len(lease.Users))
	for i, u := range lease.Users {
		got[i] = u.ID
	}
	f.wantIDs("lease", got, ids(want))
}

// difference returns how two users differ, including the location of times. It is empty if they are equal. It shows no secret.
func difference(got, want domain.Snapshot) string {
	var b strings.Builder
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if have, should := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(have, should) {
			fmt.Fprintf(&b, "\n\t%s: got %+v, want %+v", g.Type().Field(i).Name, have, should)
		}
	}
	return b.String()
}

// wantSame fails the test unless the users are equal in every field.
func (f *farm) wantSame(got, want *domain.User) {
	f.Helper()
	if d := difference(got.Snapshot(), want.Snapshot()); d != "" {
		f.Fatalf("user %v differs from the one that the test wants:%s", want.ID(), d)
	}
}

// wantLease fails the test unless the leases are equal in every field.
func (f *farm) wantLease(got, want domain.Lease) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("lease is\n\t%+v, want\n\t%+v", got, want)
	}
}

// wantIDs fails the test unless the ids are the same in the same order.
func (f *farm) wantIDs(what string, got, want []domain.UserID) {
	f.Helper()
	if !slices.Equal(got, want) {
		f.Fatalf("%s: got users\n\t%v, want\n\t%v", what, got, want)
	}
}

func ids(users []*domain.User) []domain.UserID {
	all := make([]domain.UserID, len(users))
	for i, u := range users {
		all[i] = u.ID()
	}
	return all
}

// sorted returns the ids of users in ascending order.
func sorted(users []*domain.User) []domain.UserID {
	return slices.SortedFunc(slices.Values(ids(users)), compareIDs)
}

func compareIDs(a, b domain.UserID) int { return bytes.Compare(a[:], b[:]) }

// wantEqual fails the test unless the values are equal in every field.
func (f *farm) wantEqual(what string, got, want any) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}
