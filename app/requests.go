package app

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// acquireRequest returns the request of an acquire as plain data, to compare it with another one that has the same key. It
// leaves out what may change between a call and its repetition: the settings of the farm, and how long the caller waits.
func acquireRequest(want []domain.Selector, terms domain.Terms) any {
	wanted := make([]selectorRequest, len(want))
	for i, s := range want {
		wanted[i] = selectorRequest{
			UserID: s.UserID, ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain, Scope: s.Scope(),
		}
		if len(s.Labels) > 0 {
			wanted[i].Labels = s.Labels
		}
	}
	return struct {
		Want        []selectorRequest
		Owner, Note string
		TTL         time.Duration
		Wait        time.Duration // always 0; stores have digests of requests with this field
	}{wanted, terms.Owner, terms.Note, terms.TTL, 0}
}

// selectorRequest is a selector as plain data.
type selectorRequest struct {
	UserID    domain.UserID
	ProjectID domain.ProjectID
	Env       string
	Domain    string
	Labels    domain.Labels
	Scope     domain.Scope `json:",omitzero"` // stores have digests of requests from before this field
}

// createUserRequest is acquireRequest for the creation of a user. It leaves out the secrets. Otherwise a person that knows or
// guesses the idempotency key could try out passwords against the digest that a store keeps.
func createUserRequest(spec domain.Spec) any {
	return struct {
		Login  string
		Pool   domain.Pool
		Labels domain.Labels
		Reason string `json:",omitzero"` // stores have digests of requests from before this field
	}{spec.Login, spec.Pool, spec.Labels, spec.Reason}
}
