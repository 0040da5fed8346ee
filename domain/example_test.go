package domain_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// The examples embed the lock rules in a service that keeps users as it likes. noon stands for the time of the clock
// that all its processes share.
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

func Example_acquire() {
	users := []*domain.User{
		newUser("root", domain.Labels{"role": "admin"}),
		newUser("ann", nil),
	}
	// The first selector takes anybody, but not the admin whom the second one needs.
	want := []domain.Selector{{}, {Labels: domain.Labels{"role": "admin"}}}
	picked, missing := domain.Assign(want, users)
	if len(missing) > 0 {
		fmt.Println(domain.Refusal(noon, want, users))
		return
	}
	terms := domain.Terms{Owner: "ci-4711/worker-3", TTL: 5 * time.Minute}
	lease, err := domain.Grant(noon, domain.NewLeaseID(), terms, picked)
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
	fmt.Println(domain.Release(noon, domain.NewLeaseID(), users)) // somebody else's lease id
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

	_ = users[0].Restore(noon, "looked at it")
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
	row := user.Snapshot() // keep it wherever users are kept

	restored := domain.Restore(row)
	fmt.Println(restored.Status(noon), "since", row.Lock.AcquiredAt.Format(time.TimeOnly), "fence", row.Fence)
	// Output: locked since 12:00:00 fence 1
}
