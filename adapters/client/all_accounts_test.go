package client_test

import (
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// userJSON is a user as both lists have it.
func userJSON(n int) string {
	return fmt.Sprintf(`{"user_id":"01a207ad-dd31-71ec-8a51-%012d","created_at":"2026-11-23T09:30:00Z","created_ad":"2026-11-23","login":"u%d",`+
		`"password":"p%d","project_id":"5f0c7a52-1f0b-4a55-9d3f-7f6f3a1f2b10","env":"e","domain":"d","labels":{},"status":"free","locktime":0.0}`, n, n, n)
}

// lists answers the two lists of users.
func lists(passwords string, users ...int) *script {
	var texts []string
	for _, n := range users {
		texts = append(texts, userJSON(n))
	}
	return &script{answers: []step{func(req *nethttp.Request) (*nethttp.Response, error) {
		if req.URL.Path == "/get_users" {
			return says(200, passwords)(req)
		}
		return says(200, `{"users":[`+strings.Join(texts, ",")+`],"next_cursor":null}`)(req)
	}}}
}

// Users come and go between the two lists.
func TestAccountsThatOneListLacksAreLeftOut(t *testing.T) {
	s := lists(`[`+userJSON(1)+`,`+userJSON(3)+`,`+userJSON(4)+`,`+userJSON(6)+`]`, 2, 3, 4, 5)
	var got []string
	for account, err := range s.connect(t).AllAccounts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, account.Login+" "+account.Password.Reveal())
	}
	if want := []string{"u3 p3", "u4 p4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAListThatBreaksOffIsAnError(t *testing.T) {
	for _, passwords := range []string{"", "[", `[` + userJSON(1), `[` + userJSON(1) + `,`, `[` + userJSON(1) + `,{"user_id":`, "{}", "[1]"} {
		var last error
		for _, err := range lists(passwords, 1, 2).connect(t).AllAccounts(t.Context()) {
			last = err
		}
		if !errors.Is(last, ports.ErrUnavailable) {
			t.Errorf("%q: got the error %v", passwords, last)
		}
	}
}

func TestErrorsOfBothListsArePassedOn(t *testing.T) {
	forbidden := problemStep(403, "forbidden")
	for _, path := range []string{"/get_users", "/v1/users"} {
		s := &script{answers: []step{func(req *nethttp.Request) (*nethttp.Response, error) {
			if req.URL.Path == path {
				return forbidden(req)
			}
			return lists(`[`+userJSON(1)+`]`, 1).answers[0](req)
		}}}
		var errs []error
		for account, err := range s.connect(t).AllAccounts(t.Context()) {
			if account.Login != "" {
				t.Errorf("%s: got %+v", path, account)
			}
			errs = append(errs, err)
		}
		if len(errs) != 1 || !errors.Is(errs[0], domain.ErrForbidden) {
			t.Errorf("%s: got the errors %v", path, errs)
		}
	}
}

func TestAccountsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range lists(`[`, 1).connect(t).AllAccounts(ctx) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got the error %v", last)
	}
}

func TestManyAccountsAreReadPageByPage(t *testing.T) {
	farm, _ := newFarm(t)
	for i := range 1100 {
		create(t, farm, fmt.Sprint("u", i))
	}
	n := 0
	for account, err := range connect(t, serve(t, farm).address).AllAccounts(t.Context()) {
		if err != nil || account.Password.Reveal() != "pw-"+account.Login {
			t.Fatalf("account %d is %+v, %v", n, account, err)
		}
		n++
	}
	if n != 1100 {
		t.Errorf("got %d accounts, want 1100", n)
	}
}
