package domain_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// noon stands for the time of the one clock that all processes of a program share.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newUser(login string, labels domain.Labels) *domain.User {
	user, err := domain.NewUser(domain.NewUserID(noon), noon, domain.Spec{
		Login:    login,
		Password: domain.NewSecret("correct horse"),
		Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "regular"},
		Labels:   labels,
	})
	if err != nil {
		panic(err)
	}
	return user
}

// A program that embeds the domain keeps snapshots of its users, here in a map, and passes its own time.
func Example() {
	rows := make(map[domain.UserID]domain.Snapshot)
	save := func(users ...*domain.User) {
		for _, u := range users {
			rows[u.ID()] = u.Snapshot()
		}
	}
	load := func() (users []*domain.User) {
		for _, row := range rows {
			users = append(users, domain.Restore(row))
		}
		return users
	}
	save(newUser("ann", nil), newUser("root", domain.Labels{"role": "admin"}))

	// Acquire: everything between load and save belongs into one transaction.
	id, policy, want := domain.NewLeaseID(), domain.LeasePolicy{}, []domain.Selector{{Labels: domain.Labels{"role": "admin"}}}
	users := load()
	lease, err := domain.Acquire(noon, id, policy, domain.Terms{Owner: "ci-4711/worker-3"}, want, users)
	if err != nil {
		fmt.Println(err)
		return
	}
	save(users...)
	fmt.Println(lease.Users[0].Login, "is locked until", lease.ExpiresAt.Format(time.TimeOnly))

	// A second caller does not get the same user.
	_, err = domain.Acquire(noon, domain.NewLeaseID(), policy, domain.Terms{}, want, load())
	fmt.Println(err)

	// Release: the holder knows the lease id, the rows have its digest.
	held := load()
	held = slices.DeleteFunc(held, func(u *domain.User) bool {
		digest, ok := u.Lease()
		return !ok || digest != id.Digest()
	})
	fmt.Println(domain.Release(noon, id, held))
	save(held...)
	// Output:
	// root is locked until 12:15:00
	// no matching user is free (selector 0)
	// <nil>
}

func ExampleAcquire() {
	users := []*domain.User{
		newUser("root", domain.Labels{"role": "admin"}),
		newUser("ann", nil),
	}
	// The first selector matches both users, but leaves the admin to the second one.
	want := []domain.Selector{{}, {Labels: domain.Labels{"role": "admin"}}}
	terms := domain.Terms{Owner: "ci-4711/worker-3", TTL: 5 * time.Minute}
	lease, err := domain.Acquire(noon, domain.NewLeaseID(), domain.LeasePolicy{}, terms, want, users)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range lease.Users {
		fmt.Println(user.Login, user.Password.Reveal(), "fence", user.Fence)
	}
	fmt.Println("until", lease.ExpiresAt.Format(time.TimeOnly), "under", lease.ID)
	// Output:
	// ann correct horse fence 1
	// root correct horse fence 1
	// until 12:05:00 under [redacted]
}

func Example_renew() {
	users := []*domain.User{newUser("ann", nil)}
	id := domain.NewLeaseID()
	if _, err := domain.Grant(noon, id, domain.Terms{TTL: time.Minute}, users); err != nil {
		fmt.Println(err)
	}
	lease, err := domain.Renew(noon.Add(30*time.Second), id, time.Minute, users)
	fmt.Println(lease.ExpiresAt.Format(time.TimeOnly), err)
	// Output: 12:01:30 <nil>
}

func Example_release() {
	users := []*domain.User{newUser("ann", nil)}
	id := domain.NewLeaseID()
	if _, err := domain.Grant(noon, id, domain.Terms{TTL: time.Minute}, users); err != nil {
		fmt.Println(err)
	}
	fmt.Println(domain.Release(noon, domain.NewLeaseID(), users)) // the id of another lease
	fmt.Println(domain.Release(noon, id, users))
	fmt.Println(users[0].Status(noon))
	// Output:
	// lease is over
	// <nil>
	// free
}

func Example_expiry() {
	users := []*domain.User{newUser("ann", nil)}
	id := domain.NewLeaseID()
	if _, err := domain.Grant(noon, id, domain.Terms{TTL: time.Minute}, users); err != nil {
		fmt.Println(err)
	}
	end := noon.Add(time.Minute)
	fmt.Println(users[0].Status(end.Add(-time.Nanosecond)), users[0].Status(end))

	_, err := domain.Renew(end, id, time.Minute, users)
	fmt.Println(errors.Is(err, domain.ErrLeaseExpired))
	// Output:
	// locked free
	// true
}

func Example_quarantine() {
	users := []*domain.User{newUser("ann", nil)}
	id := domain.NewLeaseID()
	if _, err := domain.Grant(noon, id, domain.Terms{TTL: time.Minute}, users); err != nil {
		fmt.Println(err)
	}
	fault := domain.Fault{UserID: users[0].ID(), Reason: "cart is not empty"}
	if err := domain.Release(noon, id, users, fault); err != nil {
		fmt.Println(err)
	}
	_, err := domain.Grant(noon, domain.NewLeaseID(), domain.Terms{TTL: time.Minute}, users)
	fmt.Println(err, "-", users[0].View(noon).Quarantine.Reason)

	_ = users[0].Restore(noon, "the cart is empty")
	fmt.Println(users[0].Status(noon))
	// Output:
	// user is quarantined - cart is not empty
	// free
}

func ExampleRestore() {
	user := newUser("ann", nil)
	if err := user.LockOpen(noon, 0); err != nil {
		fmt.Println(err)
	}
	row := user.Snapshot() // store it in any form

	restored := domain.Restore(row)
	fmt.Println(restored.Status(noon), "since", row.Lock.AcquiredAt.Format(time.TimeOnly), "fence", row.Fence)
	// Output: locked since 12:00:00 fence 1
}
