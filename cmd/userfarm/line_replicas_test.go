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
	// handful is how many later clients may be served before an earlier one. A replica that gets no processor time for seconds
	// counts as dead, and its waiters lose their places.
	handful = 3

	// soon is how long it may take to serve the next client in line. Waiters of a killed replica stay in line for a few seconds.
	soon = 15 * time.Second
)

func TestThreeReplicasShareOneLine(t *testing.T) {
	server, keyFile := postgrestest.Shared(t), writeKey(t)
	for name, test := range map[string]func(*testing.T, []*process){
		"first come, first served, over all replicas":            testFirstComeFirstServed,
		"a client that has waited long keeps its place":          testALongWaitKeepsItsPlace,
		"the waiters of a killed replica lose their places":      testAKilledReplicaIsForgotten,
		"a replica that stops answers its waiters":               testAReplicaThatStopsAnswersItsWaiters,
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
	all := waitInLine(farms[0].address, "stage", users, "").served(t, soon)

	type client struct {
		*waiter
		wave     int // clients of one wave may be served in any order
		farm     *process
		released time.Time
	}
	var clients []*client
	var holding sync.WaitGroup
	send := func(wave int, farm *process) {
		c := &client{waiter: waitInLine(farm.address, "stage", 1, ""), wave: wave, farm: farm}
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
			send(wave, farm)
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
		send(waves, farms[i%len(farms)])
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
			t.Errorf("%d later clients were served before a client of wave %d", overtakers, c.wave)
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
	first := waitInLine(farms[0].address, "stage", 1, "")
	awaitWaiting(t, farms[1].address, "stage", 1)
	time.Sleep(bunstore.DeadAfter + time.Second)
	for _, farm := range farms {
		awaitWaiting(t, farm.address, "stage", 1)
	}
	second := waitInLine(farms[1].address, "stage", 1, "")
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
		waitInLine(farms[0].address, "stage", 1, "")
		awaitWaiting(t, farms[1].address, "stage", i+1)
	}
	behind := []*waiter{waitInLine(farms[1].address, "stage", 1, ""), waitInLine(farms[2].address, "stage", 1, "")}
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

func testAReplicaThatStopsAnswersItsWaiters(t *testing.T, farms []*process) {
	held := holdTheOnlyUser(t, farms)
	var ahead []*waiter
	for range 3 {
		ahead = append(ahead, waitInLine(farms[0].address, "stage", 1, ""))
		awaitWaiting(t, farms[1].address, "stage", len(ahead))
	}
	behind := []*waiter{waitInLine(farms[1].address, "stage", 1, ""), waitInLine(farms[2].address, "stage", 1, "")}
	awaitWaiting(t, farms[1].address, "stage", len(ahead)+len(behind))

	farms[0].signal(syscall.SIGTERM)
	for _, s := range ahead {
		select {
		case <-s.done:
		case <-time.After(5 * time.Second):
			t.Fatal("a waiter got no answer from the replica that stops")
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
		t.Errorf("got fences %d after %d, want the next ones: a waiter that had left got the user", fences, first)
	}
}

func testARetryGetsTheSameLease(t *testing.T, farms []*process) {
	fillPool(t, farms[0].address, "stage", 2)
	first := waitInLine(farms[0].address, "stage", 1, "once").served(t, soon)
	for _, farm := range farms {
		if again := waitInLine(farm.address, "stage", 1, "once").served(t, soon); again.LeaseID != first.LeaseID {
			t.Error("a retry got another lease")
		}
	}
	if pool := countPool(t, farms[0].address, "stage"); pool.Locked != 1 {
		t.Errorf("got %+v, want one user locked", pool)
	}
}

func testACallWaitsTwice(t *testing.T, farms []*process) {
	fillPool(t, farms[0].address, "stage", 2)
	all := waitInLine(farms[0].address, "stage", 2, "").served(t, soon)
	calls := []*waiter{waitInLine(farms[1].address, "stage", 1, "once"), waitInLine(farms[2].address, "stage", 1, "once")}
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

// holdTheOnlyUser creates one user and holds it, so that every client has to wait.
func holdTheOnlyUser(t *testing.T, farms []*process) heldLease {
	t.Helper()
	fillPool(t, farms[1].address, "stage", 1)
	return waitInLine(farms[1].address, "stage", 1, "").served(t, soon)
}

// giveBackInAnyOrder releases each lease as soon as its waiter is served, in whatever order that is, and returns the fences.
func giveBackInAnyOrder(t *testing.T, farm *process, waiters []*waiter) (fences []uint64) {
	t.Helper()
	served := make(chan *waiter, len(waiters))
	for _, s := range waiters {
		go func() {
			<-s.done
			served <- s
		}()
	}
	for range waiters {
		select {
		case s := <-served:
			lease := s.served(t, soon)
			fences = append(fences, lease.Users[0].Fence)
			if err := giveBack(farm.address, lease.LeaseID); err != nil {
				t.Fatal(err)
			}
		case <-time.After(soon):
			t.Fatalf("no waiter was served within %v", soon)
		}
	}
	return fences
}
