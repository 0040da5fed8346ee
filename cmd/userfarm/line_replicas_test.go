package main_test

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// These tests run three replicas on one database, with clients that wait in all of them.

const (
	// handful is how many later clients may get users before somebody: a replica that was not scheduled for seconds counts
	// as dead.
	handful = 3

	// soon is how long it may take until somebody is served whose turn it is. Those in a replica that was killed count for a
	// few seconds more.
	soon = 15 * time.Second
)

func TestTheLineOfThreeReplicas(t *testing.T) {
	server, keyFile := postgrestest.Shared(t), writeKey(t)
	for name, test := range map[string]func(*testing.T, []*process){
		"who comes first is served first, in whichever replica":  testFirstComeFirstServed,
		"who has waited long still has its place":                testALongWaitKeepsItsPlace,
		"those behind the waiters of a killed replica go on":     testAKilledReplicaIsForgotten,
		"those in a replica that stops are told, and go":         testAReplicaThatStopsSendsAway,
		"a retry at another replica gets the same lease":         testARetryGetsTheSameLease,
		"a call that waits in two replicas at once gets a lease": testACallWaitsTwice,
	} {
		t.Run(name, func(t *testing.T) {
			settings := []string{"--store", server.NewDatabase(t), "--encryption-key-file", keyFile}
			farms := []*process{serve(t, t.TempDir(), settings...)}
			for range 2 {
				farms = append(farms, serve(t, t.TempDir(), settings...))
			}
			test(t, farms)
		})
	}
}

func testFirstComeFirstServed(t *testing.T, farms []*process) {
	const users, waves, late = 4, 12, 12
	fillPool(t, farms[0].address, "stage", users)
	all := standInLine(farms[0].address, "stage", users, "").served(t, soon)

	type client struct {
		*stander
		wave     int // those of one are no later than each other
		farm     *process
		released time.Time
	}
	var clients []*client
	var holding sync.WaitGroup
	come := func(wave int, farm *process) {
		c := &client{stander: standInLine(farm.address, "stage", 1, ""), wave: wave, farm: farm}
		clients = append(clients, c)
		holding.Go(func() {
			<-c.done
			time.Sleep(time.Duration(5+rand.IntN(16)) * time.Millisecond)
			c.released = time.Now()
			if c.status == http.StatusCreated {
				if err := giveBack(farm.address, c.lease.LeaseID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for wave := range waves {
		for _, farm := range farms {
			come(wave, farm)
		}
		awaitWaiting(t, farms[wave%len(farms)].address, "stage", len(clients))
	}
	for _, farm := range farms {
		awaitWaiting(t, farm.address, "stage", len(clients))
	}
	if err := giveBack(farms[0].address, all.LeaseID); err != nil {
		t.Fatal(err)
	}
	for i := range late {
		come(waves, farms[i%len(farms)])
		time.Sleep(5 * time.Millisecond)
	}
	holding.Wait()

	for _, c := range clients {
		c.served(t, soon)
		var overtakers int
		for _, other := range clients {
			if other.wave > c.wave && other.lease.AcquiredAt.Before(c.lease.AcquiredAt) {
				overtakers++
			}
		}
		if overtakers > handful {
			t.Errorf("%d who came later got users before one who came in wave %d", overtakers, c.wave)
		}
	}
	slices.SortFunc(clients, func(a, b *client) int {
		x, y := a.lease.Users[0], b.lease.Users[0]
		return cmp.Or(cmp.Compare(x.UserID, y.UserID), cmp.Compare(x.Fence, y.Fence))
	})
	for i, c := range clients[1:] {
		before, user := clients[i], c.lease.Users[0]
		switch {
		case user.UserID != before.lease.Users[0].UserID:
		case user.Fence == before.lease.Users[0].Fence:
			t.Errorf("two clients had user %s with fence %d", user.UserID, user.Fence)
		case c.answered.Before(before.released):
			t.Errorf("user %s: hold %d began before the one before it ended", user.UserID, user.Fence)
		}
	}
	for _, farm := range farms {
		awaitWaiting(t, farm.address, "stage", 0)
	}
}

func testALongWaitKeepsItsPlace(t *testing.T, farms []*process) {
	t.Parallel() // it waits most of the time
	held := holdTheOnlyUser(t, farms)
	first := standInLine(farms[0].address, "stage", 1, "")
	awaitWaiting(t, farms[1].address, "stage", 1)
	time.Sleep(bunstore.DeadAfter + time.Second)
	for _, farm := range farms {
		awaitWaiting(t, farm.address, "stage", 1)
	}
	second := standInLine(farms[1].address, "stage", 1, "")
	awaitWaiting(t, farms[2].address, "stage", 2)

	if err := giveBack(farms[1].address, held.LeaseID); err != nil {
		t.Fatal(err)
	}
	lease := first.served(t, soon)
	if err := giveBack(farms[0].address, lease.LeaseID); err != nil {
		t.Fatal(err)
	}
	second.served(t, soon)
}

func testAKilledReplicaIsForgotten(t *testing.T, farms []*process) {
	t.Parallel() // it waits most of the time
	held := holdTheOnlyUser(t, farms)
	for i := range 3 {
		standInLine(farms[0].address, "stage", 1, "")
		awaitWaiting(t, farms[1].address, "stage", i+1)
	}
	behind := []*stander{standInLine(farms[1].address, "stage", 1, ""), standInLine(farms[2].address, "stage", 1, "")}
	awaitWaiting(t, farms[1].address, "stage", 3+len(behind))

	farms[0].signal(syscall.SIGKILL)
	farms[0].wait()
	if err := giveBack(farms[1].address, held.LeaseID); err != nil {
		t.Fatal(err)
	}
	giveBackInAnyOrder(t, farms[1], behind)
	awaitWaiting(t, farms[2].address, "stage", 0)
	if pool := countPool(t, farms[2].address, "stage"); pool.Free != 1 {
		t.Errorf("got %+v, want the user free", pool)
	}
}

func testAReplicaThatStopsSendsAway(t *testing.T, farms []*process) {
	held := holdTheOnlyUser(t, farms)
	var ahead []*stander
	for range 3 {
		ahead = append(ahead, standInLine(farms[0].address, "stage", 1, ""))
		awaitWaiting(t, farms[1].address, "stage", len(ahead))
	}
	behind := []*stander{standInLine(farms[1].address, "stage", 1, ""), standInLine(farms[2].address, "stage", 1, "")}
	awaitWaiting(t, farms[1].address, "stage", len(ahead)+len(behind))

	farms[0].signal(syscall.SIGTERM)
	for _, s := range ahead {
		select {
		case <-s.done:
		case <-time.After(5 * time.Second):
			t.Fatal("one who waited was not told that the replica stops")
		}
		if s.status != http.StatusServiceUnavailable || s.code != "shutting_down" || s.retryAfter == "" {
			t.Errorf("got %d %s, Retry-After %q (%v), want 503 shutting_down", s.status, s.code, s.retryAfter, s.err)
		}
	}
	if code := farms[0].wait(); code != 0 {
		t.Errorf("exit code = %d, want 0\n%s", code, farms[0].output)
	}
	awaitWaiting(t, farms[1].address, "stage", len(behind))
	if err := giveBack(farms[1].address, held.LeaseID); err != nil {
		t.Fatal(err)
	}
	fences := giveBackInAnyOrder(t, farms[1], behind)
	if first := held.Users[0].Fence; !slices.Equal(fences, []uint64{first + 1, first + 2}) {
		t.Errorf("got fences %d after %d, want the next ones: somebody who had gone got the user", fences, first)
	}
}

func testARetryGetsTheSameLease(t *testing.T, farms []*process) {
	fillPool(t, farms[0].address, "stage", 2)
	first := standInLine(farms[0].address, "stage", 1, "once").served(t, soon)
	for _, farm := range farms {
		if again := standInLine(farm.address, "stage", 1, "once").served(t, soon); again.LeaseID != first.LeaseID {
			t.Error("a retry got another lease")
		}
	}
	if pool := countPool(t, farms[0].address, "stage"); pool.Locked != 1 {
		t.Errorf("got %+v, want one user locked", pool)
	}
}

func testACallWaitsTwice(t *testing.T, farms []*process) {
	fillPool(t, farms[0].address, "stage", 2)
	all := standInLine(farms[0].address, "stage", 2, "").served(t, soon)
	calls := []*stander{standInLine(farms[1].address, "stage", 1, "once"), standInLine(farms[2].address, "stage", 1, "once")}
	awaitWaiting(t, farms[0].address, "stage", len(calls))

	if err := giveBack(farms[0].address, all.LeaseID); err != nil {
		t.Fatal(err)
	}
	if one, other := calls[0].served(t, soon), calls[1].served(t, soon); one.LeaseID != other.LeaseID {
		t.Error("one call got two leases")
	}
	awaitWaiting(t, farms[0].address, "stage", 0)
	if pool := countPool(t, farms[0].address, "stage"); pool.Locked != 1 || pool.Free != 1 {
		t.Errorf("got %+v, want one user locked and one free", pool)
	}
}

// holdTheOnlyUser makes a farm in which everybody has to wait.
func holdTheOnlyUser(t *testing.T, farms []*process) heldLease {
	t.Helper()
	fillPool(t, farms[1].address, "stage", 1)
	return standInLine(farms[1].address, "stage", 1, "").served(t, soon)
}

// giveBackInAnyOrder releases what each of them gets, whoever is served next, and returns the fences.
func giveBackInAnyOrder(t *testing.T, farm *process, standers []*stander) (fences []uint64) {
	t.Helper()
	served := make(chan *stander, len(standers))
	for _, s := range standers {
		go func() {
			<-s.done
			served <- s
		}()
	}
	for range standers {
		select {
		case s := <-served:
			lease := s.served(t, soon)
			fences = append(fences, lease.Users[0].Fence)
			if err := giveBack(farm.address, lease.LeaseID); err != nil {
				t.Fatal(err)
			}
		case <-time.After(soon):
			t.Fatalf("nobody was served within %v", soon)
		}
	}
	return fences
}
