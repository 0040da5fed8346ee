package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Claim implements [ports.Users]. Every claim stands in line, if only until it is served or refused at once.
func (s *Store) Claim(ctx context.Context, claim ports.Claim) ([]*domain.User, error) {
	w, err := s.join(ctx, claim)
	if err != nil {
		return nil, err
	}
	s.await(ctx, w)
	return w.users, w.err
}

// join puts a claim at the end of the line. If it is not served at once, it leaves again unless it is ready to wait and
// waiting could help.
func (s *Store) join(ctx context.Context, claim ports.Claim) (*waiter, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	w := &waiter{claim: claim, since: now, gone: ctx.Err, settled: make(chan struct{})}
	s.line = append(s.line, w)
	s.serveLine(now)
	if !w.isSettled() {
		if err := s.refusal(now, claim.Want); claim.Wait <= 0 || !domain.MayPass(err) {
			s.settle(w, nil, err)
		}
	}
	s.setAlarm(now)
	return w, nil
}

// await returns when w is settled, which it is at the latest when it has waited for long enough or its caller has gone.
func (s *Store) await(ctx context.Context, w *waiter) {
	if w.isSettled() {
		return
	}
	deadline := time.NewTimer(w.claim.Wait)
	defer deadline.Stop()
	select {
	case <-w.settled:
	case <-deadline.C:
		s.leave(w)
	case <-ctx.Done():
		s.leave(w)
	}
}

// leave takes w out of the line, which serves those behind it, unless it is served after all.
func (s *Store) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.now()
	s.serve(now)
	if !w.isSettled() {
		s.settle(w, nil, s.refusal(now, w.claim.Want))
		s.serve(now)
	}
}

// refusal returns why a claim was not served.
func (s *Store) refusal(now time.Time, want []domain.Selector) error {
	matching := s.candidates(want, func(*domain.User) bool { return true })
	free := s.candidates(want, func(u *domain.User) bool { return u.CheckFree(now) == nil })
	err := domain.Refusal(now, want, append(matching, free...))
	if err == nil { // there are enough for it, but somebody ahead in the line needs them
		err = domain.Exhausted(want)
	}
	return fmt.Errorf("memory: claim: %w", err)
}

// candidates returns, for each of the k selectors, the k most rested of the users that match it and are eligible. More
// would make no difference to [domain.Assign] or [domain.Serve].
func (s *Store) candidates(want []domain.Selector, eligible func(*domain.User) bool) []*domain.User {
	var matching []*domain.User
	for _, u := range s.users {
		if eligible(u) && matchesAny(want, u) {
			matching = append(matching, u)
		}
	}
	var chosen []*domain.User
	found := make([]int, len(want))
	for _, u := range domain.MostRested(matching) {
		needed := false
		for i, selector := range want {
			if found[i] < len(want) && selector.Matches(u) {
				found[i]++
				needed = true
			}
		}
		if needed {
			chosen = append(chosen, u)
		}
	}
	return chosen
}

func matchesAny(want []domain.Selector, u *domain.User) bool {
	for _, selector := range want {
		if selector.Matches(u) {
			return true
		}
	}
	return false
}
