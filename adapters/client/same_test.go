package client_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A program can't tell a farm behind the client from one in its own process: what it reads is the same, in every field.
func TestTheClientReadsWhatTheFarmReads(t *testing.T) {
	farm, _ := newFarm(t)
	_, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "ü", Role: domain.Viewer, Scope: domain.Only(stage.ProjectID), TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	revoked, _, err := farm.CreateKey(t.Context(), domain.KeySpec{Name: "old", Role: domain.Admin})
	if err != nil {
		t.Fatal(err)
	}
	byKey := farm.For(domain.Caller{Key: revoked.ID, Role: domain.Admin})
	for _, login := range []string{"ann", "bob", "zoë <&>\"\\"} {
		create(t, byKey, login)
	}
	lease := acquire(t, byKey)
	if _, err := farm.LockOpen(t.Context(), must(farm.Users(t.Context(), ports.Query{Status: domain.Free, Limit: 1})).Users[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := byKey.Quarantine(t.Context(), lease.Users[0].ID, "cart is not empty"); err != nil {
		t.Fatal(err)
	}
	labels, password := domain.Labels{"role": "admin"}, domain.NewSecret("another")
	if _, err := byKey.ChangeUser(t.Context(), lease.Users[0].ID, domain.Change{Labels: &labels, Password: &password}); err != nil {
		t.Fatal(err)
	}
	if _, err := byKey.RevokeKey(t.Context(), revoked.ID, ""); err != nil {
		t.Fatal(err)
	}
	waiting, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error)
	want := []domain.Selector{{ProjectID: stage.ProjectID, Env: "stage", Domain: "regular", Labels: labels}, {UserID: lease.Users[0].ID}}
	go func() {
		_, err := byKey.Acquire(waiting, want, domain.Terms{Owner: "ci-1", Note: "n", Wait: domain.MaxWait}, noKey)
		left <- err
	}()
	for {
		if _, total, err := farm.Line(t.Context(), 0); err != nil || total == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}

	c := connect(t, serve(t, farm).address)
	reads := map[string]func(ports.Farm) (any, error){
		"users":  func(f ports.Farm) (any, error) { return f.Users(t.Context(), ports.Query{}) },
		"events": func(f ports.Farm) (any, error) { return f.Events(t.Context(), ports.EventQuery{}) },
		"lease":  func(f ports.Farm) (any, error) { return f.Lease(t.Context(), lease.ID) },
		"line":   func(f ports.Farm) (any, error) { line, _, err := f.Line(t.Context(), 0); return line, err },
		"pools": func(f ports.Farm) (any, error) {
			counts, err := f.Pools(t.Context())
			for i := range counts {
				counts[i].LongestWait = 0 // changes
			}
			return counts, err
		},
		"keys": func(f ports.Farm) (any, error) {
			page, err := f.Keys(t.Context(), ports.KeyQuery{})
			for i := range page.Keys {
				page.Keys[i].Digest = domain.TokenDigest{} // stays at the farm
			}
			return page, err
		},
		"accounts": func(f ports.Farm) (any, error) {
			var all []domain.Account
			for account, err := range f.AllAccounts(t.Context()) {
				if err != nil {
					return nil, err
				}
				all = append(all, account)
			}
			return all, nil
		},
	}
	for name, read := range reads {
		want, errWant := read(farm)
		got, err := read(c)
		if err != nil || errWant != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the client reads\n\t%+v, %v\nand the farm\n\t%+v, %v", name, got, err, want, errWant)
		}
	}
	leave()
	<-left
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
