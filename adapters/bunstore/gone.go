package bunstore

import (
	"github.com/userfarm/userfarm/domain"
)

// AnyGone is the text for users that have gone and are not known.
const AnyGone = "*"

// maxGone is the longest text that PostgreSQL takes along in a notification, and a little less.
const maxGone = 7900

// EncodeGone returns what claims in line must know of users that have gone (see [ledger.Changes]), as text for other
// processes; the empty text if there are none.
func EncodeGone(users []*domain.User) string {
	if len(users) == 0 {
		return ""
	}
	selectors := make([]domain.Selector, len(users))
	for i, u := range users {
		s := u.Snapshot()
		selectors[i] = domain.Selector{
			UserID: s.ID, ProjectID: s.Pool.ProjectID, Env: s.Pool.Env, Domain: s.Pool.Domain, Labels: s.Labels,
		}
	}
	if text, _ := EncodeWant(selectors); len(text) <= maxGone {
		return text
	}
	return AnyGone
}

// decodeGone reads what EncodeGone wrote. known is false if it does not tell which users have gone.
func decodeGone(text string) (users []*domain.User, known bool) {
	selectors, err := DecodeWant(text)
	if err != nil {
		return nil, false
	}
	for _, s := range selectors {
		users = append(users, domain.Restore(domain.Snapshot{
			ID: s.UserID, Pool: domain.Pool{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain}, Labels: s.Labels,
		}))
	}
	return users, true
}
