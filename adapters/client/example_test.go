package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A program acquires an admin, waits for one for up to five minutes, and keeps it as long as it needs it.
func Example() {
	farm, stop := exampleFarm()
	defer stop()
	ctx := context.Background()

	want := []domain.Selector{{Env: "stage", Labels: domain.Labels{"role": "admin"}}}
	terms := domain.Terms{Owner: "nightly", TTL: time.Minute, Wait: 5 * time.Minute}
	lease, err := farm.Acquire(ctx, want, terms, domain.IdempotencyKey{})
	if errors.Is(err, domain.ErrPoolExhausted) {
		fmt.Println("all admins are in use:", err) // the text says by whom
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	held, holding := client.Hold(ctx, farm, lease)
	fault := useUser(held, lease.Users[0])
	if err := holding.Release(ctx, fault...); err != nil {
		fmt.Println(err)
	}
	// Output: nightly uses ann@example.com
}

// useUser stands for what a program does with a user. It stops when the lease is lost, because another program may have the user then.
func useUser(held context.Context, user domain.LeasedUser) []domain.Fault {
	select {
	case <-held.Done():
		fmt.Println(context.Cause(held))
		return []domain.Fault{{UserID: user.ID, Reason: "stopped in the middle"}}
	default:
		fmt.Println("nightly uses", user.Login)
		return nil
	}
}

// A farm on a network needs an API key.
func ExampleNew() {
	farm, err := client.New("https://farm.example.com", client.WithAPIKey(os.Getenv("USERFARM_API_KEY")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer farm.CloseIdleConnections()
}

// A program follows which users are acquired. It remembers the last event, and goes on after that when it starts again.
func ExampleClient_Follow() {
	farm, stop := exampleFarm()
	defer stop()
	ctx := context.Background()
	lastSeen := ports.EventID(0) // from the time before
	q := ports.EventQuery{Kinds: []domain.EventKind{domain.UserCreated, domain.UserAcquired}, After: lastSeen, Since: time.Unix(0, 0)}
	for event, err := range farm.Follow(ctx, q) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Login, "was", event.Kind)
		lastSeen = event.ID
		break
	}
	fmt.Println("go on after event", lastSeen)
	// Output:
	// ann@example.com was created
	// go on after event 1
}
