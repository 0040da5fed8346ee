package app

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// acquireRequest returns what tells one acquire from another with the same key, as plain data. What the farm's operator
// chose is not in it: settings may change between a call and its repetition.
func acquireRequest(want []domain.Selector, terms domain.Terms) any {
	return struct {
		Want        []domain.Selector
		Owner, Note string
		TTL, Wait   time.Duration
	}{want, terms.Owner, terms.Note, terms.TTL, terms.Wait}
}

// createUserRequest is the same for a user that is created. Its password is told, because a secret encodes as nothing
// that would tell one from another; what is made of it tells nobody.
func createUserRequest(spec domain.Spec) any {
	return struct {
		Login, Password string
		Pool            domain.Pool
		Labels          domain.Labels
	}{spec.Login, spec.Password.Reveal(), spec.Pool, spec.Labels}
}
