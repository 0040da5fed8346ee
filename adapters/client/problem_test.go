package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// brokenFarm is a farm whose calls all return an error.
type brokenFarm struct {
	ports.Farm // panics
	err        error
}

func (f brokenFarm) Acquire(context.Context, []domain.Selector, domain.Terms, domain.IdempotencyKey) (domain.Lease, error) {
	return domain.Lease{}, f.err
}

func (f brokenFarm) Release(context.Context, domain.LeaseID, ...domain.Fault) error { return f.err }

func (f brokenFarm) Renew(context.Context, domain.LeaseID, time.Duration) (domain.Lease, error) {
	return domain.Lease{}, f.err
}

func (f brokenFarm) OneTimeCode(context.Context, domain.LeaseID, domain.UserID, domain.CodeTerms) (domain.OneTimeCode, error) {
	return domain.OneTimeCode{}, f.err
}

func (f brokenFarm) Events(context.Context, ports.EventQuery) (ports.EventPage, error) {
	return ports.EventPage{}, f.err
}

func (f brokenFarm) LockOpen(context.Context, domain.UserID) (time.Time, error) {
	return time.Time{}, f.err
}

func (f brokenFarm) AllAccounts(context.Context) iter.Seq2[domain.Account, error] {
	return func(yield func(domain.Account, error) bool) { yield(domain.Account{}, f.err) }
}

// callBroken returns the error of an acquire from a farm whose calls return err, without retries.
func callBroken(t *testing.T, err error) error {
	t.Helper()
	_, got := connectBroken(t, err).Acquire(t.Context(), want, domain.Terms{}, noKey)
	return got
}

func connectBroken(t *testing.T, err error) *client.Client {
	t.Helper()
	return connect(t, serve(t, brokenFarm{err: err}).address, client.WithRetryFor(0))
}

// want are the selectors of callBroken.
var want = []domain.Selector{
	{Env: "stage", Labels: domain.Labels{"role": "admin", "a/b~c": "x"}}, {UserID: domain.UserID{7}}, {ProjectID: stage.ProjectID, Domain: "d"},
}

// elsewhere says which error of the port a client has for a code that stands for an error of the server. The port knows none for the
// others.
var elsewhere = map[string]error{
	"malformed": nil, "not_found": nil, "method_not_allowed": nil, "request_timeout": nil, "too_large": nil, "unsupported_media_type": nil,
	"header_too_large": nil, "rate_limited": nil, "internal": nil,
	"shutting_down": ports.ErrUnavailable, "too_many_connections": ports.ErrUnavailable,
}

// Each row of the server's table leads to the same error on the side of the client.
func TestEveryErrorSurvivesTheWire(t *testing.T) {
	first := map[problem.Code]error{} // a code stands for the error of its first row
	for _, kind := range problem.Kinds() {
		if _, known := first[kind.Code]; !known {
			first[kind.Code] = kind.Err
		}
		t.Run(fmt.Sprintf("%s %v", kind.Code, kind.Err), func(t *testing.T) {
			err := callBroken(t, fmt.Errorf("store: claim: %w", kind.Err))
			answered, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("got the error %v", err)
			}
			if answered.Code != string(kind.Code) || answered.Status != kind.Status || answered.RequestID == "" || answered.Operation != "acquire" {
				t.Errorf("got %+v", *answered)
			}
			if wait := time.Duration(kind.RetryAfter) * time.Second; answered.RetryAfter != wait {
				t.Errorf("a retry makes sense after %v, want %v", answered.RetryAfter, wait)
			}
			want, ofServer := elsewhere[answered.Code]
			if !ofServer {
				want = first[kind.Code]
			}
			switch {
			case want != nil && !errors.Is(err, want):
				t.Errorf("got the error %v, want %v", err, want)
			case want == nil && problem.KindOf(answered.Reason).Code != "internal":
				t.Errorf("got the error %v, which is one of the port", err)
			case !ofServer && problem.KindOf(err).Code != kind.Code:
				t.Errorf("the error %v has the code %s", err, problem.KindOf(err).Code)
			}
		})
	}
}

func TestAnErrorOfANewerFarmHasItsCode(t *testing.T) {
	c := (&script{answers: []step{problemStep(409, "on_holiday")}}).connect(t)
	_, err := c.Pools(t.Context())
	answered, ok := errors.AsType[*client.Error](err)
	if !ok || answered.Code != "on_holiday" || answered.Status != 409 || err.Error() != "client: count users: d" {
		t.Errorf("got the error %v", err)
	}
}

var at = time.Date(2026, 11, 25, 22, 53, 49, 247703000, time.UTC)

// What an error tells beyond its kind survives, too. The digest, the scope and the users of a lease that is over stay at the farm.
func TestWhatErrorsTellSurvivesTheWire(t *testing.T) {
	occupancy := &domain.Occupancy{
		Waiting: 2, HeldBy: []domain.Holder{{Login: "ann", Owner: "ci", Note: "n", ExpiresAt: at}, {Login: "bob"}}, Quarantined: []int{0, 2},
	}
	fields := []domain.FieldError{{Pointer: "/users/0/env", Detail: "must not be empty"}, {Pointer: "", Detail: "must be JSON"}}
	tests := map[string]error{
		"invalid":          &domain.InvalidError{Fields: fields},
		"forbidden":        &domain.ForbiddenError{Fields: fields},
		"pool exhausted":   &domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Selectors: []int{0, 2}, Occupancy: occupancy},
		"not explained":    &domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Selectors: []int{0}},
		"nobody waits":     &domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Selectors: []int{0}, Occupancy: &domain.Occupancy{}},
		"user locked":      &domain.SelectorError{Reason: domain.ErrUserLocked, Selector: 1, Occupancy: occupancy},
		"user quarantined": &domain.SelectorError{Reason: domain.ErrUserQuarantined, Selector: 1},
		"user not found":   &domain.SelectorError{Reason: domain.ErrUserNotFound, Selector: 1},
		"no match": &domain.UnmatchedError{Reason: domain.ErrNoMatch, Selectors: []int{0, 2}, Closest: []domain.NearMiss{
			{Selector: 0, Want: want[0], Field: domain.FieldEnv, Users: 12, Values: []string{"staging", "prod"}, Others: true},
			{Selector: 0, Want: want[0], Field: domain.FieldLabel("a/b~c"), Users: 1, Others: true},
			{Selector: 2, Want: want[2], Field: domain.FieldProject, Users: domain.MostCounted, Values: []string{"x"}},
			{Selector: 2, Want: want[2], Field: domain.FieldDomain, Users: 3, Values: []string{"x"}},
			{Selector: 2, Want: want[2], Users: 5},
			{Selector: 2, Want: want[2], Users: 1, Matching: true},
		}},
		"code used":     &domain.NextCodeError{Reason: domain.ErrCodeUsed, Wait: 17 * time.Second},
		"code expiring": &domain.NextCodeError{Reason: domain.ErrCodeExpiring, Wait: time.Second},
		"expired": &domain.EndedLeaseError{EndedLease: domain.EndedLease{End: domain.LeaseExpired, At: at}, Faults: []domain.LateFault{
			{UserID: domain.UserID{1}, Kept: true}, {UserID: domain.UserID{2}},
		}},
		"forced":     &domain.EndedLeaseError{EndedLease: domain.EndedLease{End: domain.LeaseForced, At: at}},
		"over, only": &domain.EndedLeaseError{},
	}
	for name, sent := range tests {
		t.Run(name, func(t *testing.T) {
			err := callBroken(t, sent)
			answered, ok := errors.AsType[*client.Error](err)
			if !ok || !reflect.DeepEqual(answered.Reason, sent) {
				t.Errorf("got\n\t%+v, want\n\t%+v", answered.Reason, sent)
			}
		})
	}
}

func TestTheEndOfALeaseNamesTheLease(t *testing.T) {
	id := domain.NewLeaseID()
	_, err := connectBroken(t, domain.ErrLeaseExpired).Renew(t.Context(), id, 0)
	if ended, ok := errors.AsType[*domain.EndedLeaseError](err); !ok || ended.Lease != id.Digest() {
		t.Errorf("got the error %v", err)
	}
}

func TestAnErrorReadsWell(t *testing.T) {
	held := &domain.Occupancy{HeldBy: []domain.Holder{{Login: "ann", Owner: "ci-1", ExpiresAt: at}}}
	tests := map[string]error{
		"client: acquire: Users match, but too few of them are free now. Try again later, or add users to the pool. " +
			"Held by ci-1 until 2026-11-25T22:53:49Z.": &domain.UnmatchedError{Reason: domain.ErrPoolExhausted, Occupancy: held},
		"client: acquire: invalid input: /users/0/env must not be empty": domain.Invalid("/users/0/env", "must not be empty"),
		"client: acquire: The database can't be used: the disk is full. The farm may have carried out the request all the same.": &ports.
			UnavailableError{Reason: "the disk is full"},
	}
	for want, sent := range tests {
		if err := callBroken(t, sent); err.Error() != want {
			t.Errorf("got the error %q, want %q", err, want)
		}
	}
}

// The URLs of requests have lease ids, and answers have passwords.
func TestNoErrorHasASecret(t *testing.T) {
	const password = "correct horse battery"
	lease := domain.NewLeaseID()
	key, err := domain.NewIdempotencyKey("key of the call")
	if err != nil {
		t.Fatal(err)
	}
	token := domain.NewToken()
	leased := strings.Replace(leaseJSON, `"users":[]`, `"users":[{"user_id":"x","login":"ann","password":"`+password+`"}]`, 1)
	answers := map[string]step{
		"lost": lost, "refused": refused, "a bad id": says(200, leased), "bad JSON": says(200, leased[:len(leased)-2]),
		"another type": says(200, strings.Replace(leased, `"ann"`, "1", 1)), "no problem": says(500, leased), "a bad gateway": says(502, leased),
		"a redirect": says(302, leased), "a problem of a kind that is unknown": saysAs("application/problem+json", 418, leased),
	}
	for name, answered := range answers {
		c := (&script{answers: []step{answered}}).connect(t, client.WithRetryFor(0), client.WithAPIKey(token.Reveal()))
		_, errRead := c.Lease(t.Context(), lease)
		_, errAcquire := c.Acquire(t.Context(), anyone, domain.Terms{}, key)
		errs := []error{errRead, errAcquire}
		for _, err := range c.AllAccounts(t.Context()) {
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err == nil {
				t.Fatalf("%s: there is no error", name)
			}
			for _, secret := range []string{password, lease.Reveal(), token.Reveal(), key.Reveal()} {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) {
					t.Errorf("%s: the error has a secret: %s", name, text)
				}
			}
		}
	}
}

func TestAnAddressIsChecked(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:8000", "ftp://x", "http://", "http://ann:secret@x", "http://x?a=b", "http://x#a", "http://x\x7f"} {
		if _, err := client.New(address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got the error %v", address, err)
		}
	}
	if _, err := client.New("http://x", client.WithAPIKey("userfarm_x")); !errors.Is(err, domain.ErrMalformedToken) {
		t.Errorf("got the error %v", err)
	}
}
