package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// withAdmin stands for the code that is to be tested: it lends an administrator to use.
func withAdmin(ctx context.Context, farm ports.Leases, use func(admin domain.LeasedUser) error) error {
	want := []domain.Selector{{Env: "staging", Labels: domain.Labels{"role": "admin"}}}
	lease, err := farm.Acquire(ctx, want, domain.Terms{Owner: "nightly"}, domain.IdempotencyKey{})
	if err != nil {
		return err
	}
	return errors.Join(use(lease.Users[0]), farm.Release(ctx, lease.ID))
}

// Code that acquires users is tested against a farm of its own, which starts empty and needs no database. In a
// testing/synctest bubble its leases expire in no time.
func Example() {
	ctx := context.Background()
	farm, err := app.New(memory.New(), app.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = farm.CreateUser(ctx, domain.Spec{
		Login:    "root@example.com",
		Password: domain.NewSecret("correct horse"),
		Pool:     domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop"},
		Labels:   domain.Labels{"role": "admin"},
	}, domain.IdempotencyKey{})
	if err != nil {
		fmt.Println(err)
		return
	}

	err = withAdmin(ctx, farm, func(admin domain.LeasedUser) error {
		fmt.Println(admin.Login, admin.Password.Reveal(), "fence", admin.Fence)
		return withAdmin(ctx, farm, func(domain.LeasedUser) error { return nil })
	})
	fmt.Println("a second one at the same time:", errors.Is(err, domain.ErrPoolExhausted))

	err = withAdmin(ctx, farm, func(admin domain.LeasedUser) error {
		fmt.Println(admin.Login, "again, fence", admin.Fence)
		return nil
	})
	fmt.Println(err)
	// Output:
	// root@example.com correct horse fence 1
	// a second one at the same time: true
	// root@example.com again, fence 2
	// <nil>
}
