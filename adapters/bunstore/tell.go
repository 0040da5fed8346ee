package bunstore

import (
	"strings"

	"github.com/userfarm/userfarm/domain"
)

// What processes tell each other: about users that have gone (see [ledger.Changes]) or came free, followed by the users, or
// by nothing if these are not known; or just that there is something to do for a claim in line.
const (
	tellGone  = "gone "
	tellFreed = "free "
	tellWake  = "wake"

	// TellAnything is what a process tells itself when it may have missed what others told.
	TellAnything = "anything"

	// maxTold is the longest text that PostgreSQL takes along in a notification, and a little less.
	maxTold = 7900
)

// tell returns the text that tells something about users.
func tell(what string, users []*domain.User) string {
	selectors := make([]domain.Selector, len(users))
	for i, u := range users {
		s := u.Snapshot()
		selectors[i] = domain.Selector{
			UserID: s.ID, ProjectID: s.Pool.ProjectID, Env: s.Pool.Env, Domain: s.Pool.Domain, Labels: s.Labels,
		}
	}
	if text, _ := EncodeWant(selectors); len(what)+len(text) <= maxTold {
		return what + text
	}
	return what
}

// told returns the users that a text is about, without their secrets and their circulation. known is false if it does not tell.
func told(text string) (users []*domain.User, known bool) {
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

// hear takes in what a process has told.
func (s *Store) hear(text string) {
	gone, isGone := strings.CutPrefix(text, tellGone)
	freed, isFreed := strings.CutPrefix(text, tellFreed)
	switch {
	case isGone:
		s.line.doubt(told(gone))
	case isFreed:
		s.line.freed(told(freed))
	case text == TellAnything:
		s.line.doubt(nil, false)
		s.line.freed(nil, false)
	}
	s.line.wake()
}
