package memory

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// waiter is a claim that stands in line.
type waiter struct {
	claim ports.Claim
	since time.Time
	gone  func() error // why its caller does not want the users anymore; nil as long as it does

	settled chan struct{} // closed when it has left the line, with these:
	users   []*domain.User
	err     error
}

func (w *waiter) isSettled() bool {
	select {
	case <-w.settled:
		return true
	default:
		return false
	}
}

// serve serves the line after something has changed. Whoever changes something calls it in the same transaction, so that
// nobody can come in between.
func (s *Store) serve(now time.Time) {
	s.serveLine(now)
	s.setAlarm(now)
}

func (s *Store) serveLine(now time.Time) {
	for len(s.line) > 0 && s.servePart(now) {
	}
}

// servePart settles those in line that can be, and reports whether that may have changed who else can be.
func (s *Store) servePart(now time.Time) bool {
	s.settleHopeless(now)
	line := slices.Clone(s.line)
	wants := make([][]domain.Selector, len(line))
	for i, w := range line {
		wants[i] = w.claim.Want
	}
	free := s.candidates(slices.Concat(wants...), func(u *domain.User) bool { return u.CheckFree(now) == nil })
	changed := false
	for i, users := range domain.Serve(wants, free) {
		if users == nil {
			continue
		}
		w := line[i]
		written, err := s.carryOut(now, w.claim, users)
		s.settle(w, written, err)
		if changed = true; err != nil {
			break
		}
	}
	return changed
}

// settleHopeless settles those in line that are not to get users, whoever is free.
func (s *Store) settleHopeless(now time.Time) {
	for _, w := range slices.Clone(s.line) {
		err := w.gone()
		if err == nil {
			err = s.repeated(now, w.claim.Once)
		}
		if err != nil {
			s.settle(w, nil, err)
		}
	}
}

// carryOut gives the users to the claim.
func (s *Store) carryOut(now time.Time, claim ports.Claim, users []*domain.User) ([]*domain.User, error) {
	if err := s.repeated(now, claim.Once); err != nil {
		return nil, err
	}
	written, err := s.write(now, users, claim.Decide)
	if err != nil {
		return nil, err
	}
	s.noteCall(now, claim.Once)
	return written, nil
}

// settle takes w out of the line with what came of it.
func (s *Store) settle(w *waiter, users []*domain.User, err error) {
	at := slices.Index(s.line, w)
	s.line = slices.Delete(s.line, at, at+1)
	w.users, w.err = users, err
	close(w.settled)
}
