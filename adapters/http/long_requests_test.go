package http_test

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const codePath = "/v1/leases/" + someID + "/users/" + someID + "/otp"

// wantTooManyWait fails the test unless the answer is that too many requests of the API key wait.
func wantTooManyWait(t *testing.T, got answer) {
	t.Helper()
	problem := got.want(429).wantProblem(api.CodeRateLimited)
	want := "An API key may have 4 waiting requests and streams together at one replica of the farm. This one has reached the limit."
	if problem.Detail != want {
		t.Errorf("got %q, want %q", problem.Detail, want)
	}
	if got.header.Get("Retry-After") != "1" {
		t.Error("the problem does not say when to try again")
	}
}

func TestTheWaitingRequestsOfAKeyAreLimited(t *testing.T) {
	for name, token := range map[string]string{"with a key": newToken(), "without a key": ""} {
		t.Run(name, func(t *testing.T) {
			farm := waitingFarm{&historyFarm{}}
			inBubble(t, newKeyedServer(farm, func(l *http.Limits) { l.Waiting = 4 }), func(t *testing.T, dial func() net.Conn) {
				lease, code, events, users, next := dial(), dial(), dial(), dial(), dial()
				for _, conn := range []net.Conn{lease, code, events, users, next} {
					defer func() { _ = conn.Close() }()
				}
				sendTo(t, lease, token, "POST", "/v1/leases", waitingBody)
				sendTo(t, code, token, "POST", codePath, `{"wait_seconds":30}`)
				sendTo(t, events, token, "GET", "/v1/events/stream", "")
				go func() { _, _ = io.Copy(io.Discard, events) }()
				sendTo(t, users, token, "GET", "/get_users", "")
				synctest.Wait()

				wantTooManyWait(t, exchangeAs(t, next, token, "POST", "/v1/leases", waitingBody))
				wantTooManyWait(t, exchangeAs(t, next, token, "POST", codePath, `{"wait_seconds":1}`))
				wantTooManyWait(t, exchangeAs(t, next, token, "GET", "/v1/events/stream", ""))
				wantTooManyWait(t, exchangeAs(t, next, token, "GET", "/get_users", ""))
				// Requests that do not wait are not counted.
				exchangeAs(t, next, token, "POST", "/v1/leases", `{"users":[{}]}`).want(409)
				exchangeAs(t, next, token, "HEAD", "/v1/events/stream", "").want(200)
				exchangeAs(t, next, token, "HEAD", "/get_users", "").want(200)
				exchangeAs(t, next, newToken(), "POST", "/v1/leases", `{"users":[{}],"wait_seconds":1}`).want(409)

				readAnswer(t, code, "POST").want(409)
				exchangeAs(t, next, token, "POST", codePath, `{"wait_seconds":1}`).want(409)
			})
		})
	}
}

// waitingFarm is a farm whose waits all time out, with a history and an endless number of users.
type waitingFarm struct{ *historyFarm }

// AllAccounts implements [ports.Accounts].
func (waitingFarm) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return (&accountsFarm{users: 1 << 40}).AllAccounts(ctx)
}

// Acquire implements [ports.Leases].
func (waitingFarm) Acquire(
	_ context.Context, _ []domain.Selector, terms domain.Terms, _ domain.IdempotencyKey,
) (domain.Lease, error) {
	time.Sleep(terms.Wait)
	return domain.Lease{}, domain.ErrPoolExhausted
}

// OneTimeCode implements [ports.Leases].
func (waitingFarm) OneTimeCode(
	_ context.Context, _ domain.LeaseID, _ domain.UserID, terms domain.CodeTerms,
) (domain.OneTimeCode, error) {
	time.Sleep(terms.Wait)
	return domain.OneTimeCode{}, domain.ErrNoTOTP
}

// After the end of a stream, for whatever reason, another one may begin.
func TestAStreamThatEndedIsNotCounted(t *testing.T) {
	ends := map[string]func(farm *historyFarm, conn net.Conn){
		"its client leaves": func(_ *historyFarm, conn net.Conn) { _ = conn.Close() },
		"its client stalls": func(farm *historyFarm, _ net.Conn) {
			for range 1000 {
				farm.addEvent()
			}
		},
		"the farm fails": func(farm *historyFarm, _ net.Conn) {
			farm.failWith(func(context.Context) error { panic("a mistake") })
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			farm := &historyFarm{}
			server := newKeyedServer(farm, func(l *http.Limits) { l.Waiting = 1 })
			inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
				first, second := dial(), dial()
				defer func() { _, _ = first.Close(), second.Close() }()
				nextBlock(t, bufio.NewReader(getStream(t, first, "/v1/events/stream")))
				exchangeAs(t, second, "", "GET", "/v1/events/stream", "").want(429)
				end(farm, first)
				time.Sleep(2 * http.WriteTimeout)
				farm.failWith(nil)
				nextBlock(t, bufio.NewReader(getStream(t, second, "/v1/events/stream")))
			})
		})
	}
}

func TestAStreamOfAllUsersThatEndedIsNotCounted(t *testing.T) {
	const users = 5000
	tests := map[string]struct {
		farm *accountsFarm
		end  func(conn net.Conn, stream io.Reader)
	}{
		"it was read": {&accountsFarm{users: users}, func(_ net.Conn, stream io.Reader) {
			_, _ = io.Copy(io.Discard, stream)
		}},
		"its client leaves": {&accountsFarm{users: users}, func(conn net.Conn, _ io.Reader) { _ = conn.Close() }},
		"its client stalls": {&accountsFarm{users: users}, func(net.Conn, io.Reader) {}},
		"the farm fails": {&accountsFarm{users: users, then: hanging}, func(_ net.Conn, stream io.Reader) {
			_, _ = io.Copy(io.Discard, stream)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := newKeyedServer(test.farm, func(l *http.Limits) { l.Waiting = 1 })
			inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
				first, second := dial(), dial()
				defer func() { _, _ = first.Close(), second.Close() }()
				stream := getUsers(t, first)
				exchangeAs(t, second, "", "GET", "/get_users", "").want(429)
				test.end(first, stream)
				time.Sleep(2 * http.WriteTimeout)
				getUsers(t, second)
			})
		})
	}
}

// An answer that is sent at once is not a long request.
func TestAListOfFewUsersIsNotCounted(t *testing.T) {
	server := newKeyedServer(fewUsersFarm{&historyFarm{}}, func(l *http.Limits) { l.Waiting = 1 })
	inBubble(t, server, func(t *testing.T, dial func() net.Conn) {
		first, second := dial(), dial()
		defer func() { _, _ = first.Close(), second.Close() }()
		nextBlock(t, bufio.NewReader(getStream(t, first, "/v1/events/stream")))
		exchangeAs(t, second, "", "GET", "/get_users", "").want(200)
	})
}

// fewUsersFarm is a farm with three users and a history.
type fewUsersFarm struct{ *historyFarm }

// AllAccounts implements [ports.Accounts].
func (fewUsersFarm) AllAccounts(ctx context.Context) iter.Seq2[domain.Account, error] {
	return (&accountsFarm{users: 3}).AllAccounts(ctx)
}

var _ ports.Leases = waitingFarm{}
