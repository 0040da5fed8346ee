package postgres_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// useConnections makes a store open several connections and leaves them idle.
func useConnections(t *testing.T, store ports.Store) {
	t.Helper()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if err := store.Ping(context.Background()); err != nil {
				t.Errorf("ping: %v", err)
			}
		})
	}
	running.Wait()
}

func TestOperationsSucceedAfterARestartOfTheServer(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	store := open(t, server.NewDatabase(t), newKeyRing(t))
	ids := addUsers(t, store, 1)

	ends := map[string]func(){"stop": server.Stop, "crash": server.Crash}
	for _, end := range []string{"stop", "crash"} {
		useConnections(t, store)
		ends[end]()
		server.Resume(t)

		ctx := context.Background()
		lease, err := claim(ctx, store)
		if err != nil {
			t.Errorf("the first claim after the %s: %v", end, err)
		}
		if err := release(ctx, store, lease); err != nil {
			t.Errorf("release after the %s: %v", end, err)
		}
		useConnections(t, store)
		ends[end]()
		server.Resume(t)
		if _, _, err := store.Find(ctx, ports.ByUser(ids[0])); err != nil {
			t.Errorf("the first find after the %s: %v", end, err)
		}
	}
}

func TestTheStoreIsUnavailableWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	store := open(t, server.NewDatabase(t), newKeyRing(t))
	ids := addUsers(t, store, 1)
	useConnections(t, store)
	server.Stop()

	ctx := context.Background()
	operations := map[string]func() error{
		"ping":  func() error { return store.Ping(ctx) },
		"claim": func() error { _, err := claim(ctx, store); return err },
		"find":  func() error { _, _, err := store.Find(ctx, ports.ByUser(ids[0])); return err },
	}
	for name, operation := range operations {
		if err := operation(); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, ports.ErrUnavailable)
		}
	}

	server.Resume(t)
	for name, operation := range operations {
		if err := operation(); err != nil {
			t.Errorf("%s, after the server is back: %v", name, err)
		}
	}
}

func TestAnAnsweredLeaseSurvivesACrashOfTheServer(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	store := open(t, server.NewDatabase(t), newKeyRing(t))
	ids := addUsers(t, store, 50)
	ctx := context.Background()
	leases := make(map[domain.LeaseID]domain.UserID)
	for range ids {
		lease := domain.NewLeaseID()
		users, err := store.Claim(ctx, ports.Claim{Want: []domain.Selector{anyUser}, Decide: grantTo(lease)})
		if err != nil {
			t.Fatal(err)
		}
		leases[lease] = users[0].ID()
	}

	server.Crash()
	server.Resume(t)

	for lease, id := range leases {
		users, _, err := store.Find(ctx, ports.ByLease(lease.Digest()))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(users, func(u *domain.User) bool { return u.ID() == id }) {
			t.Errorf("user %v lost its lease", id)
		}
	}
}

func TestAnOperationEndsIfTheServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	network := newFakeNetwork(t, server.Address())
	store := open(t, through(t, network, databaseURL), newKeyRing(t))
	addUsers(t, store, 1)

	network.cut()

	if _, err := claim(context.Background(), store); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
	}
}

func TestAnOperationEndsWithTheContextOfItsCaller(t *testing.T) {
	one, other, databaseURL := twoReplicas(t, 1)
	rival := newRival(t, other)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	claimed := startClaim(ctx, t, one, databaseURL)

	cancel()

	if err := <-claimed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	rival.decision <- nil
	if err := <-rival.claimed; err != nil {
		t.Errorf("the rival's claim: %v", err)
	}
}

// fakeNetwork forwards connections to an address until it is cut. Then they stay open, but it forwards nothing more.
type fakeNetwork struct {
	listener net.Listener
	mu       sync.Mutex
	isCut    bool
	ends     []net.Conn
}

func newFakeNetwork(t *testing.T, to string) *fakeNetwork {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &fakeNetwork{listener: listener}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			n.mu.Lock()
			n.ends = append(n.ends, near, far)
			n.mu.Unlock()
			passing.Go(func() { n.pass(near, far) })
			passing.Go(func() { n.pass(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		n.mu.Lock()
		for _, end := range n.ends {
			_ = end.Close()
		}
		n.mu.Unlock()
		passing.Wait()
	})
	return n
}

func (n *fakeNetwork) pass(from, to net.Conn) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		n.mu.Lock()
		isCut := n.isCut
		n.mu.Unlock()
		if isCut {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func (n *fakeNetwork) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isCut = true
}

// through returns the URL of a database behind a fake network.
func through(t *testing.T, n *fakeNetwork, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = n.listener.Addr().String()
	return u.String()
}
