package http_test

import (
	"context"
	"fmt"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// code requests a code of the first user of a lease.
func (c client) code(lease api.Lease, user int) (code api.OneTimeCode) {
	c.t.Helper()
	c.post(otpPath(lease, user), "").want(200).into(&code)
	return code
}

func otpPath(lease api.Lease, user int) string {
	return "/v1/leases/" + lease.LeaseID + "/users/" + lease.Users[user].UserID + "/otp"
}

// newUserWithTOTP adds a user with the second factor.
func (c client) newUserWithTOTP(login, totp string) (user api.User) {
	c.t.Helper()
	c.post("/v1/users", encode(c.t, api.NewUser{
		Login: login, Password: newPassword(), ProjectID: projectID, Env: "staging", Domain: "shop.example.com", TOTPSecret: &totp,
	})).want(201).into(&user)
	return user
}

// withPeriod returns a second factor with the secret of RFC 6238, whose codes change after this many seconds.
func withPeriod(seconds int) string {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	secrets.add(secret)
	return fmt.Sprintf("otpauth://totp/x?digits=8&secret=%s&period=%d", secret, seconds)
}

// overPipes returns the client of a server in a synctest bubble.
func overPipes(t *testing.T, dial func() net.Conn) client {
	t.Helper()
	transport := &nethttp.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return dial(), nil },
		DisableKeepAlives: true,
	}
	return client{t: t, url: "http://x", http: &nethttp.Client{Transport: contractTransport{transport, t.Errorf}, CheckRedirect: stay}}
}

// withALease runs test in a synctest bubble with the lease of a user. Its codes change every half minute, and the first one
// has just begun.
func withALease(t *testing.T, test func(t *testing.T, c client, lease api.Lease)) {
	t.Helper()
	inBubble(t, newServer(), func(t *testing.T, dial func() net.Conn) {
		c := overPipes(t, dial)
		c.newUserWithTOTP("alice", withPeriod(30))
		test(t, c, c.acquire(`{"users":[{}]}`))
	})
}

func TestTheHolderOfALeaseGetsTheCodesOfItsUsers(t *testing.T) {
	withALease(t, func(t *testing.T, c client, lease api.Lease) {
		if !lease.Users[0].HasTOTP {
			t.Error("the lease does not say that there are codes")
		}
		end := time.Now().Add(30 * time.Second)
		time.Sleep(9500 * time.Millisecond)
		got := c.code(lease, 0)
		if got.Code != codeNow(t, withPeriod(30)) {
			t.Error("got a code that no authenticator app would show")
		}
		if !got.ExpiresAt.Equal(end) || got.RemainingSeconds != 20 {
			t.Errorf("got a code for %d more seconds, until %v, want 20 until %v", got.RemainingSeconds, got.ExpiresAt, end)
		}
	})
}

// codeNow returns the current code of the domain, whose tests compare it with RFC 6238.
func codeNow(t *testing.T, totp string) string {
	t.Helper()
	parsed, err := domain.ParseTOTP(totp)
	if err != nil {
		t.Fatal(err)
	}
	now, id := time.Now(), domain.NewLeaseID()
	user, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
		Login: "a", Password: domain.NewSecret("b"), TOTP: parsed,
		Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "c", Domain: "d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	users := []*domain.User{user}
	if _, err := domain.Grant(now, id, domain.Terms{TTL: time.Minute}, users); err != nil {
		t.Fatal(err)
	}
	code, err := domain.GiveCode(now, id, users, user.ID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return code.Code.Reveal()
}

func TestNoCodeIsGivenTwice(t *testing.T) {
	withALease(t, func(t *testing.T, c client, lease api.Lease) {
		c.code(lease, 0)
		time.Sleep(9500 * time.Millisecond)
		for _, body := range []string{"", `{}`, `{"wait_seconds":0}`, `{"wait_seconds":20}`} {
			start := time.Now()
			got := c.post(otpPath(lease, 0), body).want(409)
			got.wantProblem(api.CodeCodeUsed)
			if after := got.header.Get("Retry-After"); after != "21" {
				t.Errorf("got Retry-After %q, want 21", after)
			}
			if waited := time.Since(start); waited != 0 {
				t.Errorf("the request waited for %v and got no code", waited)
			}
		}
		time.Sleep(20500 * time.Millisecond)
		c.code(lease, 0)
	})
}

func TestARequestMayWaitForTheNextCode(t *testing.T) {
	withALease(t, func(t *testing.T, c client, lease api.Lease) {
		first := c.code(lease, 0)
		start := time.Now()
		var second api.OneTimeCode
		c.post(otpPath(lease, 0), `{"wait_seconds":30}`).want(200).into(&second)
		if second.Code == first.Code || second.RemainingSeconds != 30 {
			t.Errorf("got a code for %d more seconds", second.RemainingSeconds)
		}
		if waited := time.Since(start); waited != 30*time.Second {
			t.Errorf("the request waited for %v", waited)
		}
	})
}

func TestACodeMustBeValidForAsLongAsTheRequestSays(t *testing.T) {
	withALease(t, func(t *testing.T, c client, lease api.Lease) {
		time.Sleep(20500 * time.Millisecond)
		got := c.post(otpPath(lease, 0), `{"min_remaining_seconds":10}`).want(409)
		got.wantProblem(api.CodeCodeExpiring)
		if after := got.header.Get("Retry-After"); after != "10" {
			t.Errorf("got Retry-After %q, want 10", after)
		}
		c.post(otpPath(lease, 0), `{"min_remaining_seconds":31}`).want(422).wantProblem(api.CodeInvalid, "/min_remaining_seconds")
		var code api.OneTimeCode
		c.post(otpPath(lease, 0), `{"min_remaining_seconds":10,"wait_seconds":10}`).want(200).into(&code)
		if code.RemainingSeconds != 30 {
			t.Errorf("got a code for %d seconds", code.RemainingSeconds)
		}
		time.Sleep(59500 * time.Millisecond)
		c.post(otpPath(lease, 0), "").want(409).wantProblem(api.CodeCodeExpiring)
	})
}

func TestARequestThatWaitsForACodeIsAnsweredWhenTheLeaseEnds(t *testing.T) {
	withALease(t, func(t *testing.T, c client, lease api.Lease) {
		c.code(lease, 0)
		go func() {
			time.Sleep(5 * time.Second)
			c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
		}()
		start := time.Now()
		c.post(otpPath(lease, 0), `{"wait_seconds":60}`).want(410).wantProblem(api.CodeLeaseExpired)
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("it waited for %v", waited)
		}
	})
}

func TestAUserWithoutASecondFactorHasNoCodes(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	lease := c.acquire(`{"users":[{}]}`)
	c.post(otpPath(lease, 0), "").want(409).wantProblem(api.CodeNoTOTP)

	var user api.User
	c.send("PATCH", "/v1/users/"+alice.UserID, `{"totp_secret":"`+newTOTP()+`"}`).want(200).into(&user)
	if !user.HasTOTP {
		t.Error("the user does not say that there are codes")
	}
	c.code(lease, 0)
	c.send("PATCH", "/v1/users/"+alice.UserID, `{"labels":{}}`).want(200).into(&user)
	if !user.HasTOTP {
		t.Error("another change removed the second factor")
	}
	c.send("PATCH", "/v1/users/"+alice.UserID, `{"totp_secret":""}`).want(200).into(&user)
	if user.HasTOTP {
		t.Error("the user says that there are codes")
	}
	c.post(otpPath(lease, 0), "").want(409).wantProblem(api.CodeNoTOTP)
}

func TestACodeIsForUsersOfTheLeaseAndAsLongAsItLasts(t *testing.T) {
	c := newClient(t)
	c.newUserWithTOTP("alice", newTOTP())
	lease := c.acquire(`{"users":[{}]}`)
	bob := c.newUserWithTOTP("bob", newTOTP())
	c.post("/v1/leases/"+lease.LeaseID+"/users/"+bob.UserID+"/otp", "").want(404).wantProblem(api.CodeUserNotFound)
	c.post("/v1/leases/"+someID+"/users/"+bob.UserID+"/otp", "").want(404).wantProblem(api.CodeLeaseNotFound)
	c.post("/v1/leases/"+lease.LeaseID+"/release", "").want(204)
	c.post(otpPath(lease, 0), "").want(410).wantProblem(api.CodeLeaseExpired)
}

func TestAnInvalidRequestForACodeIsRejected(t *testing.T) {
	c := newClient(t)
	c.post("/v1/leases/x/users/y/otp", `{"wait_seconds":61,"wait":1}`).want(422).
		wantProblem(api.CodeInvalid, "/lease_id", "/user_id", "/wait", "/wait_seconds")
	c.post("/v1/leases/"+someID+"/users/"+someID+"/otp", `{"min_remaining_seconds":0}`).want(422).
		wantProblem(api.CodeInvalid, "/min_remaining_seconds")
	c.post("/v1/leases/"+someID+"/users/"+someID+"/otp", `{"min_remaining_seconds":86401}`).want(422).
		wantProblem(api.CodeInvalid, "/min_remaining_seconds")
	for _, body := range []string{`{"wait_seconds":-1}`, `{"wait_seconds":61}`, `{"wait_seconds":null}`} {
		c.post("/v1/leases/"+someID+"/users/"+someID+"/otp", body).want(422).wantProblem(api.CodeInvalid, "/wait_seconds")
	}
}

func TestASecretThatMakesNoCodesIsRejectedAndNotQuoted(t *testing.T) {
	c := newClient(t)
	alice, _ := c.newUser("alice", nil)
	const rest = `"password":"p","project_id":"` + projectID + `","env":"e","domain":"d"`
	for _, text := range []string{"nonsense!", "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1", strings.Repeat("A", 1025)} {
		created := c.post("/v1/users", `{"login":"","totp_secret":"`+text+`",`+rest+`}`).want(422)
		created.wantProblem(api.CodeInvalid, "/login", "/totp_secret")
		changed := c.send("PATCH", "/v1/users/"+alice.UserID, `{"totp_secret":"`+text+`"}`).want(422)
		changed.wantProblem(api.CodeInvalid, "/totp_secret")
		if strings.Contains(created.body+changed.body, text) {
			t.Errorf("the answer quotes %s", text)
		}
	}
	c.post("/v1/users", `{"login":"a","totp_secret":"",`+rest+`}`).want(422).wantProblem(api.CodeInvalid, "/totp_secret")
}

// codeFarm is a farm whose next code is available after some time.
type codeFarm struct {
	ports.Farm
	ports.Health
	next time.Duration
}

// OneTimeCode implements [ports.Leases].
func (f codeFarm) OneTimeCode(
	ctx context.Context, _ domain.LeaseID, _ domain.UserID, terms domain.CodeTerms,
) (domain.OneTimeCode, error) {
	if f.next > terms.Wait {
		return domain.OneTimeCode{}, &domain.NextCodeError{Reason: domain.ErrCodeUsed, Wait: f.next}
	}
	select {
	case <-time.After(f.next):
		return domain.OneTimeCode{Code: domain.NewSecret("12345678"), Remaining: 1999 * time.Millisecond}, nil
	case <-ctx.Done():
		return domain.OneTimeCode{}, ctx.Err()
	}
}

func TestTheLongestWaitForACodeIsAnswered(t *testing.T) {
	farm := codeFarm{next: domain.MaxWait}
	inBubble(t, newFarmServer(farm, farm), func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		body := `{"wait_seconds":60}`
		req, err := nethttp.NewRequest("POST", "http://x/v1/leases/"+someID+"/users/"+someID+"/otp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if err := req.Write(conn); err != nil {
			t.Fatal(err)
		}
		var code api.OneTimeCode
		readAnswer(t, conn, "POST").want(200).into(&code)
		if code.RemainingSeconds != 1 {
			t.Errorf("got %d seconds, want 1.999 rounded down", code.RemainingSeconds)
		}
		if waited := time.Since(start); waited != domain.MaxWait {
			t.Errorf("the request waited for %v, want %v", waited, domain.MaxWait)
		}
	})
}

func TestRetryAfterOfACodeIsRoundedUp(t *testing.T) {
	for wait, want := range map[time.Duration]string{1: "1", time.Second: "1", time.Second + 1: "2", 30 * time.Second: "30"} {
		farm := codeFarm{next: wait}
		got := newFarmClient(t, farm, farm).post("/v1/leases/"+someID+"/users/"+someID+"/otp", "").want(409)
		got.wantProblem(api.CodeCodeUsed)
		if after := got.header.Get("Retry-After"); after != want {
			t.Errorf("got Retry-After %s for %v, want %s", after, wait, want)
		}
	}
}
