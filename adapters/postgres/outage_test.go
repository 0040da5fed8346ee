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

// useConnections makes a store open several connections, which are idle afterwards.
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

func TestOperationsSucceedAfterTheServerRestarted(t *testing.T) {
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

func TestStoreIsUnavailableWhileTheServerIsDown(t *testing.T) {
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
			t.Errorf("%s, once the server is back: %v", name, err)
		}
	}
}

func TestWhatWasAnsweredSurvivesACrashOfTheServer(t *testing.T) {
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

func TestOperationEndsWhenTheServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	line := newLine(t, server.Address())
	store := open(t, through(t, line, databaseURL), newKeyRing(t))
	addUsers(t, store, 1)

	line.cut()

	if _, err := claim(context.Background(), store); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
	}
}

func TestOperationEndsWithItsCallersContext(t *testing.T) {
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

// line passes connections on to an address until it is cut: then they stay open, but nothing comes through anymore.
type line struct {
	listener net.Listener
	mu       sync.Mutex
	isCut    bool
	ends     []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener}
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
			l.mu.Lock()
			l.ends = append(l.ends, near, far)
			l.mu.Unlock()
			passing.Go(func() { l.pass(near, far) })
			passing.Go(func() { l.pass(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.mu.Lock()
		for _, end := range l.ends {
			_ = end.Close()
		}
		l.mu.Unlock()
		passing.Wait()
	})
	return l
}

func (l *line) pass(from, to net.Conn) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		isCut := l.isCut
		l.mu.Unlock()
		if isCut {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
}

// through returns the URL that leads to a database through a line.
func through(t *testing.T, l *line, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = l.listener.Addr().String()
	return u.String()
}
