//go:build stress

package main_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
)

const (
	lineWaiters = 300
	lineUsers   = 5
	lineBatch   = 3 // users in every tenth claim
	lineEvery   = 10
	lineArrival = 2 * time.Millisecond
)

// lineApart are the differences in time from which a request counts as later than another one: until a replica has put the first
// request in line, the order of the two is undefined.
var lineApart = []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond}

// lineClaim is one acquire of the test with the client's record.
type lineClaim struct {
	*waiter
	users    int
	holds    time.Duration
	released time.Time
}

func (c *lineClaim) waited() time.Duration { return c.answered.Sub(c.sent) }

func TestStressLine(t *testing.T) {
	replicas := startLine(t, postgresForLine(t), 3)
	fillPool(t, replicas[0].address, "line", lineUsers)

	warmUp(t, replicas)

	claims := make([]*lineClaim, lineWaiters)
	var holding sync.WaitGroup
	began := time.Now()
	for i := range claims {
		time.Sleep(time.Until(began.Add(time.Duration(i) * lineArrival)))
		c := &lineClaim{users: 1, holds: time.Duration(10+rand.IntN(91)) * time.Millisecond}
		if i%lineEvery == lineEvery-1 {
			c.users = lineBatch
		}
		address := replicas[i%len(replicas)].address
		c.waiter = waitInLine(address, "line", c.users, "")
		claims[i] = c
		holding.Go(func() {
			<-c.done
			time.Sleep(c.holds)
			c.released = time.Now()
			if c.status == http.StatusCreated {
				if err := giveBack(address, c.lease.LeaseID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	holding.Wait()
	slices.SortFunc(claims, func(a, b *lineClaim) int { return a.sent.Compare(b.sent) })

	var holds []hold
	for i, c := range claims {
		if c.status != http.StatusCreated || c.err != nil {
			t.Fatalf("claim %d: got %d %s (%v)", i, c.status, c.code, c.err)
		}
		for _, u := range c.lease.Users {
			holds = append(holds, hold{user: u.UserID, fence: u.Fence, from: c.answered, to: c.released})
		}
	}
	report, err := checkHolds(holds)
	if err != nil {
		t.Error(err)
	}
	if report.missingFences > 0 {
		t.Errorf("%d fences are in no record", report.missingFences)
	}
	fair := fairWaits(claims)
	t.Logf("%d claims over 3 replicas, %v apart, every %dth of %d users; %d users held for 10-100ms; %d holds, %d overlap, %v in all",
		len(claims), lineArrival, lineEvery, lineBatch, lineUsers, len(holds), report.overlaps, time.Since(began).Round(time.Millisecond))
	for _, apart := range lineApart {
		t.Logf("overtaken by those sent %v later: as answered %s; as granted %s", apart,
			overtaken(claims, apart, func(c *lineClaim) time.Time { return c.answered }),
			overtaken(claims, apart, func(c *lineClaim) time.Time { return c.lease.AcquiredAt }))
	}
	waits := make([]time.Duration, len(claims))
	for i, c := range claims {
		waits[i] = c.waited()
	}
	t.Logf("longest wait %v, fair %v; median %v, fair %v", milliseconds(slices.Max(waits)), milliseconds(slices.Max(fair)),
		milliseconds(percentile(waits, 50)), milliseconds(percentile(fair, 50)))
	logBatches(t, claims, fair)
}

// warmUp lets every replica serve some waiters, so that its connections are open and its statements prepared.
func warmUp(t *testing.T, replicas []*replica) {
	t.Helper()
	fillPool(t, replicas[0].address, "warm-up", lineUsers)
	for range 5 {
		var waiting []*waiter
		held := waitInLine(replicas[0].address, "warm-up", lineUsers, "").served(t, time.Minute)
		for _, r := range replicas {
			waiting = append(waiting, waitInLine(r.address, "warm-up", 1, ""))
		}
		awaitWaiting(t, replicas[0].address, "warm-up", len(replicas))
		leases := []heldLease{held}
		for _, s := range waiting {
			if err := giveBack(replicas[0].address, leases[len(leases)-1].LeaseID); err != nil {
				t.Fatal(err)
			}
			leases = append(leases, s.served(t, time.Minute))
		}
		if err := giveBack(replicas[0].address, leases[len(leases)-1].LeaseID); err != nil {
			t.Fatal(err)
		}
	}
}

// fairWaits returns how long each claim would wait if the farm served each in its turn without any delay.
func fairWaits(claims []*lineClaim) []time.Duration {
	freeAt := make([]time.Time, lineUsers)
	waits := make([]time.Duration, len(claims))
	var turn time.Time
	for i, c := range claims {
		slices.SortFunc(freeAt, time.Time.Compare)
		for _, at := range []time.Time{c.sent, freeAt[c.users-1]} {
			if at.After(turn) {
				turn = at
			}
		}
		waits[i] = turn.Sub(c.sent)
		for u := range c.users {
			freeAt[u] = turn.Add(c.holds)
		}
	}
	return waits
}

// logBatches compares each batch to the claims that came just before and after it.
func logBatches(t *testing.T, claims []*lineClaim, fair []time.Duration) {
	var more, fairMore []time.Duration
	for i, c := range claims {
		if c.users == 1 || i+1 == len(claims) {
			continue
		}
		more = append(more, c.waited()-(claims[i-1].waited()+claims[i+1].waited())/2)
		fairMore = append(fairMore, fair[i]-(fair[i-1]+fair[i+1])/2)
	}
	t.Logf("batches waited longer than the single claims next to them by: median %v (fair %v), most %v (fair %v)",
		milliseconds(percentile(more, 50)), milliseconds(percentile(fairMore, 50)), milliseconds(slices.Max(more)), milliseconds(slices.Max(fairMore)))
}

// overtaken describes how many claims were served before another one that was sent earlier by at least the time apart.
func overtaken(claims []*lineClaim, apart time.Duration, served func(*lineClaim) time.Time) string {
	counts := map[int]int{} // of claims, by the number of those that overtook them
	for i, c := range claims {
		var overtakers int
		for _, later := range claims[i+1:] {
			if later.sent.Sub(c.sent) >= apart && served(later).Before(served(c)) {
				overtakers++
			}
		}
		counts[overtakers]++
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d by %d", counts[n], n))
	}
	return strings.Join(parts, ", ")
}

func percentile(of []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d.Microseconds())/1000)
}

// postgresForLine starts a server that writes every commit to the disk.
func postgresForLine(t *testing.T) *postgrestest.Server {
	server := postgrestest.Start(t)
	server.Set(t, "fsync", "on")
	server.Set(t, "full_page_writes", "on")
	return server
}

// startLine starts replicas on an empty database.
func startLine(t *testing.T, server *postgrestest.Server, n int) []*replica {
	database, keyFile := server.NewDatabase(t), filepath.Join(t.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(keyFile); err != nil {
		t.Fatal(err)
	}
	replicas := make([]*replica, n)
	for i := range replicas {
		replicas[i] = startReplica(t, database, keyFile)
	}
	return replicas
}
