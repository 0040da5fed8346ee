package http_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	nethttp "net/http"
	"net/http/httputil"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// accountsFarm is a farm with this many users. After the last one, the list fails with the error of then, unless then is nil.
type accountsFarm struct {
	ports.Farm
	ports.Health
	users int
	then  brokenFarm
	ended chan struct{} // is closed when no more users are wanted; may be nil
}

// AllAccounts implements [ports.Accounts].
func (f *accountsFarm) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) {
		if f.ended != nil {
			defer close(f.ended)
		}
		account := domain.Account{View: domain.View{Login: "user-" + strings.Repeat("x", 100)}}
		for range f.users {
			if !yield(account, nil) {
				return
			}
		}
		if f.then != nil {
			yield(domain.Account{}, f.then(ctx))
		}
	}
}

func TestTheStreamOfAllUsersEnds(t *testing.T) {
	for _, users := range []int{0, 1, 2, 3, 1000} {
		farm := &accountsFarm{users: users}
		var got []struct{ Login string }
		newFarmClient(t, farm, farm).get("/get_users").want(200).into(&got)
		if len(got) != users {
			t.Errorf("got %d users, want %d", len(got), users)
		}
	}
}

func TestAnUnavailableStoreIsA503BeforeTheFirstUser(t *testing.T) {
	farm := &accountsFarm{then: failing(ports.ErrUnavailable)}
	newFarmClient(t, farm, farm).get("/get_users").want(503).wantProblem(api.CodeStoreUnavailable)
}

func TestAClientSeesThatAStreamBrokeOff(t *testing.T) {
	failures := map[string]brokenFarm{
		"the store failed midway":             failing(errors.New("the store failed midway")),
		"panic: a mistake midway\\ngoroutine": func(context.Context) error { panic("a mistake midway") },
	}
	for why, then := range failures {
		for _, users := range []int{1, 5, 5000} {
			farm := &accountsFarm{users: users, then: then}
			c := newFarmClient(t, farm, farm)
			resp, err := c.http.Get(c.url + "/get_users")
			if err == nil {
				_ = resp.Body.Close()
				t.Errorf("after %d users, the stream ends as if it were complete", users)
			}
		}
		if !strings.Contains(logged.String(), why) {
			t.Errorf("the log does not contain %q", why)
		}
	}
}

func TestAStreamStopsWhenItsClientLeaves(t *testing.T) {
	farm := &accountsFarm{users: 1 << 40, ended: make(chan struct{})}
	c := newFarmClient(t, farm, farm)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /get_users HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	<-farm.ended
}

func TestAHeadOfTheStreamReadsNoUsersAndKeepsTheConnection(t *testing.T) {
	farm := &accountsFarm{users: 3, ended: make(chan struct{})}
	c := newFarmClient(t, farm, farm)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "HEAD /get_users HTTP/1.1\r\nHost: x\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-farm.ended
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, after, ok := strings.Cut(string(text), "\r\n\r\n"); !ok || !strings.HasPrefix(after, "HTTP/1.1 200 OK") {
		t.Errorf("the answer after that to HEAD begins with %.20q", after)
	}
}

// The peak of the heap must not grow with the number of users.
func TestTheStreamKeepsFewUsersInMemory(t *testing.T) {
	const users = 50_000 // of more than 200 bytes each
	farm := &accountsFarm{users: users}
	c := newFarmClient(t, farm, farm)
	transport := &nethttp.Transport{DisableKeepAlives: true} // not the client's, which keeps the answer to check it
	resp, err := (&nethttp.Client{Transport: transport}).Get(c.url + "/get_users")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	before, peak := heap(), uint64(0)
	buffer := make([]byte, 1<<20)
	for err == nil {
		_, err = io.ReadFull(resp.Body, buffer)
		peak = max(peak, heap())
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if grown := int64(peak) - int64(before); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestAStreamLastsAsLongAsItsClientReads(t *testing.T) {
	farm := &accountsFarm{users: 5000}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		stream := getUsers(t, conn)
		start := time.Now()
		var got bytes.Buffer
		for more := int64(1); more > 0; more, _ = io.CopyN(&got, stream, 4<<10) {
			time.Sleep(http.WriteTimeout / 2)
		}
		var users []struct{}
		if err := json.Unmarshal(got.Bytes(), &users); err != nil || len(users) != farm.users {
			t.Errorf("got %d users and the error %v, want %d", len(users), err, farm.users)
		}
		if took := time.Since(start); took < 10*http.WriteTimeout {
			t.Errorf("the client took only %v, so the test proves nothing", took)
		}
	})
}

func TestAStreamWhoseClientStallsIsCut(t *testing.T) {
	farm := &accountsFarm{users: 1 << 40}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		farm.ended = make(chan struct{})
		conn := dial()
		defer func() { _ = conn.Close() }()
		getUsers(t, conn)
		<-farm.ended
	})
}

func TestAStreamWhoseStoreStallsIsCut(t *testing.T) {
	farm := &accountsFarm{users: 100, then: hanging}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		if _, err := io.ReadAll(getUsers(t, conn)); err == nil {
			t.Error("the stream ends as if it were complete")
		}
		if waited := time.Since(start); waited != entrance.RequestTimeout {
			t.Errorf("the stream was cut after %v, want %v", waited, entrance.RequestTimeout)
		}
	})
}

// accountsGate authenticates callers like another gate, for a farm of the test.
type accountsGate struct {
	ports.Gate
	farm ports.Farm
}

// Enter implements [ports.Gate].
func (g accountsGate) Enter(ctx context.Context, token domain.Token) (domain.Caller, ports.Farm, error) {
	caller, _, err := g.Gate.Enter(ctx, token)
	return caller, g.farm, err
}

func TestAStreamOfAllUsersIsCutWithTheAuthorizationOfItsClient(t *testing.T) {
	const most = 2 * time.Second
	byRevoking := func(f guardedFarm) (string, func()) {
		id, token := f.keyWithID(domain.Tester)
		return token, func() { f.revoke(id) }
	}
	byTheFirstKey := func(f guardedFarm) (string, func()) {
		return "", func() { f.key(domain.Admin) }
	}
	tests := map[string]struct {
		farm   *accountsFarm
		putOut func(f guardedFarm) (token string, end func())
	}{
		"because its API key was revoked": {&accountsFarm{users: 1 << 40}, byRevoking},
		"because there is an API key":     {&accountsFarm{users: 1 << 40}, byTheFirstKey},
		"while the store gives no answer": {&accountsFarm{users: 2000, then: hanging}, byRevoking},
		"before the last users":           {&accountsFarm{users: 3500}, byRevoking},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, _ := guardFarm()
			server := newLoggingServer(accountsGate{f.gate, test.farm}, test.farm, newLog())
			inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
				f.client = overPipes(t, dial)
				token, end := test.putOut(f)
				test.farm.ended = make(chan struct{})
				conn := dial()
				defer func() { _ = conn.Close() }()
				sendTo(t, conn, token, "GET", "/get_users", "")
				users := streamOn(t, conn)
				for range 100 {
					if _, err := io.CopyN(io.Discard, users, 5<<10); err != nil {
						t.Fatalf("the stream breaks off while its client is authorized: %v", err)
					}
					time.Sleep(50 * time.Millisecond)
				}
				end()
				start := time.Now()
				var err error
				for err == nil && time.Since(start) <= most {
					_, err = io.CopyN(io.Discard, users, 1<<10)
					time.Sleep(5 * time.Millisecond)
				}
				if took := time.Since(start); err == nil || errors.Is(err, io.EOF) || took > most {
					t.Fatalf("after %v, the stream continues or ends as if it were complete: %v", took, err)
				}
				<-test.farm.ended
			})
		})
	}
}

func TestAShutdownWaitsForAStreamOfAllUsers(t *testing.T) {
	farm := &accountsFarm{users: 5000}
	server := newFarmServer(farm, farm)
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		stream := getUsers(t, conn)
		shut := make(chan error)
		go func() { shut <- server.Shutdown(context.Background()) }()
		time.Sleep(2 * http.ArrivalTimeout)
		text, err := io.ReadAll(stream)
		var users []struct{}
		if err := errors.Join(err, json.Unmarshal(text, &users)); err != nil || len(users) != farm.users {
			t.Errorf("got %d users and the error %v, want %d", len(users), err, farm.users)
		}
		if err := <-shut; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

// getUsers requests all users, and returns the body of the answer when the answer has begun.
func getUsers(t *testing.T, conn net.Conn) io.Reader {
	t.Helper()
	return getStream(t, conn, "/get_users")
}

// getStream returns the body of the answer to a GET when the answer has begun.
func getStream(t *testing.T, conn net.Conn, path string) io.Reader {
	t.Helper()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return streamOn(t, conn)
}

// streamOn returns the body of the answer on a connection when the answer has begun.
func streamOn(t *testing.T, conn net.Conn) io.Reader {
	t.Helper()
	answer := bufio.NewReader(conn)
	header := textproto.NewReader(answer)
	if status, err := header.ReadLine(); err != nil || status != "HTTP/1.1 200 OK" {
		t.Fatalf("got %q and the error %v", status, err)
	}
	if _, err := header.ReadMIMEHeader(); err != nil {
		t.Fatal(err)
	}
	return httputil.NewChunkedReader(answer)
}
