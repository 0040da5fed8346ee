//go:build stress

// The stress tests run real farms, on SQLite and on PostgreSQL with three replicas, with many more workers than cores. They kill
// replicas during the load, and then prove from the workers' records that no two workers held a user at the same time. See
// .github/CONTRIBUTING.md.
package main_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/ports/portstest"
)

var (
	stressFor     = flag.Duration("stress.for", time.Minute, "how long the workers work")
	stressUsers   = flag.Int("stress.users", 10_000, "users to create")
	stressPools   = flag.Int("stress.pools", 20, "pools to spread them over")
	stressWorkers = flag.Int("stress.workers", 200, "workers that run at the same time")
)

// stressRoles are the roles of the users of each pool in turn. A worker wants any user of a pool, or one with a role.
var (
	stressRoles = []string{"admin", "buyer"}
	stressWants = append([]string{""}, stressRoles...)
)

func TestStressSQLite(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "farm.db")
	stress(t, []*replica{startReplica(t, store, "")}, 0)
}

func TestStressPostgresWithThreeReplicas(t *testing.T) {
	server := postgrestest.Start(t)
	server.Set(t, "fsync", "on") // as in production
	server.Set(t, "full_page_writes", "on")
	database := server.NewDatabase(t)
	keyFile := filepath.Join(t.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(keyFile); err != nil {
		t.Fatal(err)
	}
	replicas := make([]*replica, 3)
	var starting sync.WaitGroup
	for i := range replicas { // together, on an empty database
		starting.Go(func() { replicas[i] = startReplica(t, database, keyFile) })
	}
	starting.Wait()
	stress(t, replicas, 1)
}

// stress creates the users, lets the workers work while it kills and restarts all but the first spared replicas, and
// checks the workers' records.
func stress(t *testing.T, replicas []*replica, spared int) {
	farm := newFarmClient(replicas)
	project := fmt.Sprintf("%08x-0000-4000-8000-000000000000", rand.Uint32())
	createUsers(t, farm, project)

	var lost, unsent, refused atomic.Int64
	records := make([][]hold, *stressWorkers)
	stop := time.Now().Add(*stressFor)
	var working sync.WaitGroup
	for i := range records {
		working.Go(func() {
			for time.Now().Before(stop) {
				env, role := fmt.Sprintf("pool-%d", rand.IntN(*stressPools)), stressWants[rand.IntN(len(stressWants))]
				selector := fmt.Sprintf(`{"project_id":%q,"env":%q%s}`, project, env, roleLabel(role))
				held, err := farm.holdFor(fmt.Sprintf("worker-%d", i), selector, time.Duration(rand.IntN(5))*time.Millisecond)
				switch {
				case err == nil:
					records[i] = append(records[i], held)
				case isRefusal(err):
					refused.Add(1)
					t.Errorf("refused: %v", err)
				case errors.Is(err, syscall.ECONNREFUSED): // a replica that restarts
					unsent.Add(1)
					time.Sleep(10 * time.Millisecond)
				default:
					lost.Add(1)
				}
			}
		})
	}
	kills := killAndRestart(t, replicas[spared:], stop)
	working.Wait()

	var holds []hold
	for _, r := range records {
		holds = append(holds, r...)
	}
	// One more hold of every user: its fence must be higher than all others.
	last, lostLast := farm.holdEveryUser(t, project)
	holds = append(holds, last...)
	lost.Add(int64(lostLast))
	report, err := checkHolds(holds)
	if err != nil {
		t.Error(err)
	}
	if report.users != *stressUsers {
		t.Errorf("%d users were held in the end, want all %d that were created", report.users, *stressUsers)
	}
	if missing := int64(report.missingFences); missing > lost.Load() {
		t.Errorf("%d fences are in no record, but only %d requests lost their answer", missing, lost.Load())
	}
	history, err := farm.history()
	if err == nil {
		err = portstest.CheckHolds(history)
	}
	if err != nil {
		t.Errorf("history: %v", err)
	}
	for _, r := range replicas[:spared] {
		farm.answers[r].wantMetrics(t, r)
	}
	pairs := len(holds) - *stressUsers
	t.Logf("%d pairs by %d workers in %v (%.0f/s), %d kills: %d acquires were not sent, %d lost their answer, %d were refused",
		pairs, *stressWorkers, *stressFor, float64(pairs)/stressFor.Seconds(), kills, unsent.Load(), lost.Load(), refused.Load())
	t.Logf("%d events", len(history))
	t.Logf("%d holds of %d users: %d overlap, %d fences are in no record, highest fence %d, longest hold %v",
		len(holds), report.users, report.overlaps, report.missingFences, report.highestFence, report.longestHold.Round(time.Microsecond))
}

func createUsers(t *testing.T, farm *farmClient, project string) {
	t.Helper()
	began := time.Now()
	numbers := make(chan int)
	var creating sync.WaitGroup
	for range 32 {
		creating.Go(func() {
			for n := range numbers {
				role := stressRoles[n / *stressPools % len(stressRoles)]
				body := fmt.Sprintf(`{"login":"user-%d@example.com","password":"pw-%d","project_id":%q,"env":"pool-%d","domain":"regular"%s}`,
					n, n, project, n%*stressPools, roleLabel(role))
				if err := farm.post("/v1/users", body, nil); err != nil {
					t.Errorf("create user %d: %v", n, err)
				}
			}
		})
	}
	for n := range *stressUsers {
		numbers <- n
	}
	close(numbers)
	creating.Wait()
	t.Logf("%d users in %d pools created over HTTP in %v", *stressUsers, *stressPools, time.Since(began).Round(time.Millisecond))
}

// killAndRestart kills one replica after the other, without warning, until a little before stop.
func killAndRestart(t *testing.T, replicas []*replica, stop time.Time) (kills int) {
	pause := *stressFor / 6
	for time.Until(stop) > pause {
		time.Sleep(pause)
		r := replicas[kills%len(replicas)]
		r.kill()
		kills++
		time.Sleep(pause / 10)
		r.start(t)
	}
	return kills
}
