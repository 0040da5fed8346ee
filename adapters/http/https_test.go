package http_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
)

// encryptedServer is an HTTPS server.
type encryptedServer struct {
	t    testing.TB
	pair keyPair
	addr string
	http *nethttp.Client
}

// serveEncrypted serves HTTPS until the test ends.
func serveEncrypted(t testing.TB, server *http.Server) encryptedServer {
	t.Helper()
	pair := newKeyPair(t, "farm")
	certificate, _ := newCertificate(t, pair.write(t, t.TempDir()))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(tls.NewListener(listener, certificate)) }()
	transport := &nethttp.Transport{TLSClientConfig: trust(pair), ForceAttemptHTTP2: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
	return encryptedServer{t, pair, listener.Addr().String(), &nethttp.Client{Transport: transport}}
}

// get returns the body of the answer to a GET, until the test ends.
func (s encryptedServer) get(path string) io.Reader {
	s.t.Helper()
	resp, err := s.http.Get("https://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || resp.TLS == nil || resp.TLS.NegotiatedProtocol != "http/1.1" {
		s.t.Fatalf("GET %s: got status %d, with TLS %+v", path, resp.StatusCode, resp.TLS)
	}
	return resp.Body
}

// dial opens a connection, and runs the handshake unless raw is set.
func (s encryptedServer) dial(raw bool) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if raw {
		return conn
	}
	encrypted := tls.Client(conn, trust(s.pair))
	if err := encrypted.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return encrypted
}

func TestAFarmIsServedOverTLS(t *testing.T) {
	const users = 10_000 // enough for a streamed answer
	s := serveEncrypted(t, newFarmServer(&accountsFarm{users: users}, brokenFarm(hanging)))
	body, err := io.ReadAll(s.get("/ping"))
	if err != nil || string(body) != `{"test":"ok"}` {
		t.Errorf("got %s and the error %v", body, err)
	}
	var got []struct{}
	if err := json.UnmarshalRead(s.get("/get_users"), &got); err != nil || len(got) != users {
		t.Errorf("got %d users and the error %v, want %d", len(got), err, users)
	}
}

func TestAStreamOfEventsOverTLSEndsWhenTheServerShutsDown(t *testing.T) {
	farm := &historyFarm{}
	server := newFarmServer(farm, farm)
	stream := bufio.NewReader(serveEncrypted(t, server).get("/v1/events/stream"))
	nextBlock(t, stream)
	farm.addEvent()
	if got := nextBlock(t, stream); !strings.HasPrefix(got, "id: 1\n") {
		t.Errorf("got %q, want the event", got)
	}
	shutDown(t, server)
	if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
		t.Errorf("the stream ends with %q and the error %v", rest, err)
	}
}

func TestShutdownDoesNotWaitForEncryptedConnectionsWithoutARequest(t *testing.T) {
	server := newServer()
	s := serveEncrypted(t, server)
	mute, silent, idle := s.dial(true), s.dial(false), s.dial(false)
	ping(t, idle).want(200)
	start := time.Now()
	shutDown(t, server)
	if took := time.Since(start); took > http.ArrivalTimeout {
		t.Errorf("the shutdown took %v", took)
	}
	for _, conn := range []net.Conn{mute, silent, idle} {
		wantClosed(t, conn)
	}
}

func TestAnEncryptedConnectionAboveTheLimitGetsAProblem(t *testing.T) {
	s := serveEncrypted(t, newLimitedServer(func(l *http.Limits) { l.Connections = 1 }))
	first := s.dial(false)
	ping(t, first).want(200)
	second := s.dial(false)
	wantTooMany(t, ping(t, second))
	wantClosed(t, second)
	ping(t, first).want(200)
}

func TestABodyThatIsTooLargeIsRejectedOverTLS(t *testing.T) {
	s := serveEncrypted(t, newServer())
	conn := s.dial(false)
	request := "POST /v1/leases HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n" + strings.Repeat("x", 16<<20)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, conn, "POST").want(413).wantProblem(api.CodeTooLarge)
}

func TestAConnectionWithoutTLSIsCut(t *testing.T) {
	s := serveEncrypted(t, newServer())
	conn := s.dial(true)
	if _, err := io.WriteString(conn, pingRequest); err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(conn); strings.Contains(string(text), "HTTP") {
		t.Errorf("the client got %q", text)
	}
}

// inEncryptedBubble is inBubble for an HTTPS server with the certificate of the pair.
func inEncryptedBubble(t *testing.T, server *http.Server, test func(t *testing.T, pair keyPair, dial func() net.Conn)) {
	t.Helper()
	pair := newKeyPair(t, "farm")
	certificate, _ := newCertificate(t, pair.write(t, t.TempDir()))
	front := func(inner net.Listener) net.Listener { return tls.NewListener(inner, certificate) }
	inBubbleBehind(t, server, front, func(t *testing.T, dial func() net.Conn) { test(t, pair, dial) })
}

func TestAHandshakeThatStallsTimesOut(t *testing.T) {
	inEncryptedBubble(t, newServer(), func(t *testing.T, pair keyPair, dial func() net.Conn) {
		mute := dial()
		defer func() { _ = mute.Close() }()
		start := time.Now()
		wantClosed(t, mute)
		if waited := time.Since(start); waited != http.ReadTimeout {
			t.Errorf("the server waited for %v for a client that sends nothing, want %v", waited, http.ReadTimeout)
		}

		// This client sends the first message, and then neither reads nor writes.
		deaf := dial()
		defer func() { _ = deaf.Close() }()
		start = time.Now()
		go func() { _ = tls.Client(writeOnly{deaf}, trust(pair)).Handshake() }()
		synctest.Wait()
		if _, err := deaf.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("got %v, want that the server has closed the connection", err)
		}
		if waited := time.Since(start); waited != http.WriteTimeout {
			t.Errorf("the server waited for %v for a client that reads nothing, want %v", waited, http.WriteTimeout)
		}
	})
}

// writeOnly is a connection whose reads fail.
type writeOnly struct{ net.Conn }

// Read implements [net.Conn].
func (writeOnly) Read([]byte) (int, error) { return 0, io.EOF }

func TestAnEncryptedStreamWhoseClientStallsIsCut(t *testing.T) {
	farm := &accountsFarm{users: 1 << 40}
	inEncryptedBubble(t, newFarmServer(farm, farm), func(t *testing.T, pair keyPair, dial func() net.Conn) {
		farm.ended = make(chan struct{})
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		getUsers(t, tls.Client(conn, trust(pair)))
		<-farm.ended
		if waited := time.Since(start); waited != http.WriteTimeout {
			t.Errorf("the stream was cut after %v, want %v", waited, http.WriteTimeout)
		}
	})
}

func TestAnEncryptedStreamLastsAsLongAsItsClientReads(t *testing.T) {
	farm := &accountsFarm{users: 5000}
	inEncryptedBubble(t, newFarmServer(farm, farm), func(t *testing.T, pair keyPair, dial func() net.Conn) {
		conn := tls.Client(dial(), trust(pair))
		defer func() { _ = conn.NetConn().Close() }()
		stream := getUsers(t, conn)
		start := time.Now()
		var size int64
		for more := int64(1); more > 0; more, _ = io.CopyN(io.Discard, stream, 4<<10) {
			size += more
			time.Sleep(http.WriteTimeout / 2)
		}
		if took := time.Since(start); size < 1<<20 || took < 10*http.WriteTimeout {
			t.Errorf("the client got %d bytes in %v", size, took)
		}
	})
}

func TestAnEncryptedConnectionThatIdlesIsClosed(t *testing.T) {
	inEncryptedBubble(t, newServer(), func(t *testing.T, pair keyPair, dial func() net.Conn) {
		conn := tls.Client(dial(), trust(pair))
		defer func() { _ = conn.NetConn().Close() }()
		ping(t, conn).want(200)
		start := time.Now()
		wantClosed(t, conn)
		if waited := time.Since(start); waited != http.IdleTimeout {
			t.Errorf("the server waited for %v, want %v", waited, http.IdleTimeout)
		}
	})
}
