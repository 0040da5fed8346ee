package http_test

import (
	"context"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// everyKeyGate accepts every token. Each token is a different API key of an admin.
type everyKeyGate struct{ farm ports.Farm }

// Enter implements [ports.Gate].
func (g everyKeyGate) Enter(_ context.Context, token domain.Token) (domain.Caller, ports.Farm, error) {
	caller := domain.Everybody()
	if !token.IsZero() {
		digest := token.Digest()
		copy(caller.Key[:], digest[:])
	}
	return caller, g.farm, nil
}

// newKeyedServer returns the server of a farm that accepts every API key, with the default limits after change.
func newKeyedServer(farm ports.Farm, change func(*http.Limits)) *http.Server {
	limits := http.DefaultLimits()
	change(&limits)
	return mustServe(http.New(everyKeyGate{farm}, brokenFarm(hanging), http.Settings{Limits: limits}, newLog()))
}

// newToken returns a token that no log may show.
func newToken() string {
	token := domain.NewToken().Reveal()
	secrets.add(token)
	return token
}

// exchangeAs sends a request on a connection, with a token unless that is empty, and returns the answer.
func exchangeAs(t *testing.T, conn net.Conn, token, method, path, body string) answer {
	t.Helper()
	sendTo(t, conn, token, method, path, body)
	return readAnswer(t, conn, method)
}

func sendTo(t *testing.T, conn net.Conn, token, method, path, body string) {
	t.Helper()
	req, err := nethttp.NewRequest(method, "http://x"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	var text strings.Builder
	if err := req.Write(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text.String()); err != nil {
		t.Fatal(err)
	}
}

// inRateBubble runs test with a server that has a rate limit. ask requests an unknown user with a token.
func inRateBubble(t *testing.T, rate int, test func(t *testing.T, ask func(token string) answer)) {
	t.Helper()
	farm := failing(domain.ErrUserNotFound)
	inBubble(t, newKeyedServer(farm, func(l *http.Limits) { l.Rate = rate }), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		test(t, func(token string) answer {
			t.Helper()
			return exchangeAs(t, conn, token, "GET", "/v1/users/"+someID, "")
		})
	})
}

func TestTheRequestsPerSecondOfAKeyAreLimited(t *testing.T) {
	inRateBubble(t, 3, func(t *testing.T, ask func(string) answer) {
		token := newToken()
		for range 3 {
			ask(token).want(404)
		}
		got := ask(token).want(429)
		problem := got.wantProblem(api.CodeRateLimited)
		want := "An API key may send 3 requests a second to one replica of the farm, and as many at once. This one sent more."
		if problem.Detail != want {
			t.Errorf("got %q, want %q", problem.Detail, want)
		}
		if got.header.Get("Retry-After") != "1" {
			t.Error("the problem does not say when to try again")
		}
		time.Sleep(time.Second/3 + 1)
		ask(token).want(404)
		ask(token).want(429)
		time.Sleep(time.Second)
		for range 3 {
			ask(token).want(404)
		}
		ask(token).want(429)
	})
}

func TestEachKeyHasItsOwnRateLimit(t *testing.T) {
	inRateBubble(t, 1, func(_ *testing.T, ask func(string) answer) {
		greedy := newToken()
		ask(greedy).want(404)
		ask(greedy).want(429)
		ask(newToken()).want(404)
	})
}

func TestCallersWithoutAKeyHaveNoRateLimit(t *testing.T) {
	inRateBubble(t, 1, func(_ *testing.T, ask func(string) answer) {
		for range 10 {
			ask("").want(404)
		}
	})
}

func TestARateLimitOf0IsNoLimit(t *testing.T) {
	inRateBubble(t, 0, func(_ *testing.T, ask func(string) answer) {
		token := newToken()
		for range 10 {
			ask(token).want(404)
		}
	})
}

func TestHealthChecksHaveNoRateLimit(t *testing.T) {
	server := newKeyedServer(brokenFarm(hanging), func(l *http.Limits) { l.Rate = 1 })
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		token := newToken()
		for range 10 {
			exchangeAs(t, conn, token, "GET", "/healthz", "").want(200)
		}
	})
}
