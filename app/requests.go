package app

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// acquireRequest returns what tells one acquire from another with the same key, as plain data. What the farm's operator
// chose is not in it: settings may change between a call and its repetition.
func acquireRequest(want []domain.Selector, terms domain.Terms) any {
	wanted := make([]selectorRequest, len(want))
	for i, s := range want {
		wanted[i] = selectorRequest{UserID: s.UserID, ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain, Labels: s.Labels, Scope: s.Scope()}
	}
	return struct {
		Want        []selectorRequest
		Owner, Note string
		TTL, Wait   time.Duration
	}{wanted, terms.Owner, terms.Note, terms.TTL, terms.Wait}
}

// selectorRequest is a selector as its caller wrote it.
type selectorRequest struct {
	UserID    domain.UserID
	ProjectID domain.ProjectID
	Env       string
	Domain    string
	Labels    domain.Labels
	Scope     domain.Scope `json:",omitzero"` // stores keep digests of requests that had no such field
}

// createUserRequest is the same for a user that is created. Its secrets are not in it: what a store keeps of a request would
// let who knows, or guesses, the idempotency key try out passwords.
func createUserRequest(spec domain.Spec) any {
	return struct {
		Login  string
		Pool   domain.Pool
		Labels domain.Labels
	}{spec.Login, spec.Pool, spec.Labels}
}
