//go:build stress

package main_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

var stressDifferent = flag.Int("stress.different", 500, "different wants for which clients wait, two for each")

// differentHandovers is how many users are handed over to both of their waiters.
const differentHandovers = 25

func TestStressDifferentWaitersPostgres(t *testing.T) {
	measureDifferent(t, startLine(t, postgresForLine(t), 1)[0])
}

func TestStressDifferentWaitersSQLite(t *testing.T) {
	measureDifferent(t, startReplica(t, "sqlite:"+filepath.Join(t.TempDir(), "farm.db"), ""))
}

// measureDifferent lets two clients wait for each of many users. Then it hands over some of the users, each first to the client that
// came first. No other client may be served.
func measureDifferent(t *testing.T, farm *replica) {
	defer farm.kill() // a farm does not notice that its waiters have left
	n := *stressDifferent
	needConnections(t, 2*n)
	roles := make([]string, n)
	for i := range roles {
		roles[i] = fmt.Sprintf("role-%d", i)
	}
	fillPoolWithRoles(t, farm.address, "line", roles)
	held := make([]heldLease, n)
	for i, role := range roles {
		held[i] = waitForRole(farm.address, "line", role, 1, "").served(t, time.Minute)
	}

	began := time.Now()
	var waves [2][]*waiter // a client of the first wave is before all of the second
	for wave := range waves {
		for i, role := range roles {
			if i%50 == 49 {
				time.Sleep(5 * time.Millisecond) // the farm accepts connections one by one
			}
			waves[wave] = append(waves[wave], waitForRole(farm.address, "line", role, 1, ""))
		}
		awaitCrowd(t, farm, (wave+1)*n)
	}
	linedUp := time.Since(began)

	var took []time.Duration
	order := rand.Perm(n)
	handedOver := order[:min(differentHandovers, n)]
	for _, i := range handedOver {
		before := held[i]
		for _, wave := range waves {
			sent := time.Now()
			if err := giveBack(farm.address, before.LeaseID); err != nil {
				t.Fatal(err)
			}
			lease := wave[i].served(t, soon)
			took = append(took, wave[i].answered.Sub(sent))
			if got, last := lease.Users[0], before.Users[0]; got.UserID != last.UserID || got.Fence != last.Fence+1 {
				t.Errorf("user %s with fence %d came after user %s with fence %d", got.UserID, got.Fence, last.UserID, last.Fence)
			}
			before = lease
		}
	}
	for _, i := range order[len(handedOver):] {
		for _, wave := range waves {
			select {
			case <-wave[i].done:
				t.Errorf("a client that waits for another user got %d %s (%v)", wave[i].status, wave[i].code, wave[i].err)
			default:
			}
		}
	}
	t.Logf("%d waiters for %d different users in line after %v", 2*n, n, linedUp.Round(time.Millisecond))
	t.Logf("%d handovers, from the release to the next one's answer: median %s, p99 %s, longest %s", len(took),
		milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99)), milliseconds(percentile(took, 100)))
}
