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
	warmUps     = 5
)

// lineApart are the differences in time from which a request counts as later than another one: until a replica has put the first
// request in line, the order of the two is undefined.
var lineApart = []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond}

// lineRoles are the roles of the users with which claims want different ones: lineUsers users have each role.
var lineRoles = []string{"admin", "buyer", "seller", "guest"}

// lineClaim is one acquire of the test with the client's record.
type lineClaim struct {
	*waiter
	role     string // that its users must have; empty for any users
	users    int
	holds    time.Duration
	released time.Time
	fair     time.Duration // see fairWaits
}

func (c *lineClaim) waited() time.Duration { return c.answered.Sub(c.sent) }

// mayTake reports whether every user that a later claim could get fits this one, too. The later one must not be served first then.
func (c *lineClaim) mayTake(later *lineClaim) bool { return c.role == "" || c.role == later.role }

func TestStressLine(t *testing.T) {
	for name, roles := range map[string][]string{"identical wants": {""}, "different wants": lineRoles} {
		t.Run(name, func(t *testing.T) { stressLine(t, roles) })
	}
}

// stressLine lets clients of three replicas wait for users with the roles in turn. If there are several roles, every tenth client or so
// takes a user of any role.
func stressLine(t *testing.T, roles []string) {
	replicas := startLine(t, postgresForLine(t), 3)
	fillPoolWithRoles(t, replicas[0].address, "line", slices.Repeat(roles, lineUsers))

	warmUp(t, replicas)

	claims := make([]*lineClaim, lineWaiters)
	var holding sync.WaitGroup
	began := time.Now()
	for i := range claims {
		time.Sleep(time.Until(began.Add(time.Duration(i) * lineArrival)))
		c := &lineClaim{role: roles[rand.IntN(len(roles))], users: 1, holds: time.Duration(10+rand.IntN(91)) * time.Millisecond}
		switch i % lineEvery {
		case lineEvery - 1:
			c.users = lineBatch
		case 0:
			c.role = "" // any user
		}
		address := replicas[i%len(replicas)].address
		c.waiter = waitForRole(address, "line", c.role, c.users, "")
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
	wantLineMetrics(t, replicas, claims, len(roles))
	fairWaits(claims, slices.Repeat(roles, lineUsers))
	t.Logf("%d claims over 3 replicas, %v apart, every %dth of %d users; %d users held for 10-100ms; %d holds, %d overlap, %v in all",
		len(claims), lineArrival, lineEvery, lineBatch, len(roles)*lineUsers, len(holds), report.overlaps,
		time.Since(began).Round(time.Millisecond))
	for _, apart := range lineApart {
		t.Logf("overtaken by those sent %v later: as answered %s; as granted %s", apart,
			overtaken(claims, apart, func(c *lineClaim) time.Time { return c.answered }),
			overtaken(claims, apart, func(c *lineClaim) time.Time { return c.lease.AcquiredAt }))
	}
	waits, fair := make([]time.Duration, len(claims)), make([]time.Duration, len(claims))
	for i, c := range claims {
		waits[i], fair[i] = c.waited(), c.fair
	}
	t.Logf("longest wait %v, fair %v; median %v, fair %v", milliseconds(slices.Max(waits)), milliseconds(slices.Max(fair)),
		milliseconds(percentile(waits, 50)), milliseconds(percentile(fair, 50)))
	for _, role := range roles {
		logBatches(t, slices.DeleteFunc(slices.Clone(claims), func(c *lineClaim) bool { return c.role != role }))
	}
}

// wantLineMetrics fails the test unless the metrics of all replicas add up to the claims, and to what [warmUp] does.
func wantLineMetrics(t *testing.T, replicas []*replica, claims []*lineClaim, roles int) {
	t.Helper()
	leases, users := len(claims), 0
	for _, c := range claims {
		users += c.users
	}
	leases, users = leases+warmUps*(1+len(replicas)), users+warmUps*(lineUsers+len(replicas))
	counted := tally{sums: sums{
		"POST /v1/users 201": (1 + roles) * lineUsers, "event created": (1 + roles) * lineUsers,
		"POST /v1/leases 201": leases, "wait granted": leases, "event acquired": users,
		"POST /v1/leases/:lease_id/release 204": leases, "event released": users, "hold released": users,
	}}
	var addresses []string
	for _, r := range replicas {
		addresses = append(addresses, r.address)
	}
	counted.wantMetrics(t, addresses, "GET /v1/pools 200")
	t.Logf("the metrics add up to what clients counted: %v", counted.sums)
}

// warmUp lets every replica serve some waiters, so that its connections are open and its statements prepared.
func warmUp(t *testing.T, replicas []*replica) {
	t.Helper()
	fillPool(t, replicas[0].address, "warm-up", lineUsers)
	for range warmUps {
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

// fairWaits sets how long each claim would wait if the farm served each in its turn without any delay. It turns to a claim when it has
// served all earlier claims that may take the same users. roles are those of the users.
func fairWaits(claims []*lineClaim, roles []string) {
	type user struct {
		role   string
		freeAt time.Time
	}
	users := make([]*user, len(roles))
	for i, role := range roles {
		users[i] = &user{role: role}
	}
	turns := map[string]time.Time{} // the last of the claims of each role
	for _, c := range claims {
		slices.SortFunc(users, func(a, b *user) int { return a.freeAt.Compare(b.freeAt) })
		var fit []*user
		for _, u := range users {
			if c.role == "" || c.role == u.role {
				fit = append(fit, u)
			}
		}
		turn := c.sent
		for _, at := range []time.Time{turns[""], turns[c.role], fit[c.users-1].freeAt} {
			if at.After(turn) {
				turn = at
			}
		}
		turns[c.role] = turn
		c.fair = turn.Sub(c.sent)
		for _, u := range fit[:c.users] {
			u.freeAt = turn.Add(c.holds)
		}
	}
}

// logBatches compares each batch to the claims with the same role that came just before and after it.
func logBatches(t *testing.T, claims []*lineClaim) {
	var more, fairMore []time.Duration
	for i := 1; i+1 < len(claims); i++ {
		before, c, after := claims[i-1], claims[i], claims[i+1]
		if c.users > 1 {
			more = append(more, c.waited()-(before.waited()+after.waited())/2)
			fairMore = append(fairMore, c.fair-(before.fair+after.fair)/2)
		}
	}
	if len(more) > 0 {
		t.Logf("batches waited longer than the single claims next to them by: median %v (fair %v), most %v (fair %v)",
			milliseconds(percentile(more, 50)), milliseconds(percentile(fairMore, 50)), milliseconds(slices.Max(more)), milliseconds(slices.Max(fairMore)))
	}
}

// overtaken describes how many claims were served before another one that was sent earlier by at least the time apart, and that any of
// their users would have fitted.
func overtaken(claims []*lineClaim, apart time.Duration, served func(*lineClaim) time.Time) string {
	counts := map[int]int{} // of claims, by the number of those that overtook them
	for i, c := range claims {
		var overtakers int
		for _, later := range claims[i+1:] {
			if c.mayTake(later) && later.sent.Sub(c.sent) >= apart && served(later).Before(served(c)) {
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
