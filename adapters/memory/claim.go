package memory

import (
	"context"
	"fmt"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Claim implements [ports.Users].
func (s *Store) Claim(ctx context.Context, want []domain.Selector, decide ports.Decide) ([]*domain.User, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	free := s.candidates(want, func(u *domain.User) bool { return u.CheckFree(now) == nil })
	users, missing := domain.Assign(want, free)
	if len(missing) > 0 {
		all := s.candidates(want, func(*domain.User) bool { return true })
		return nil, fmt.Errorf("memory: claim: %w", domain.Refusal(now, want, append(all, free...)))
	}
	return s.write(now, users, decide)
}

// candidates returns, for each of the k selectors, the k most rested of the users that match it and are eligible. More
// would make no difference to [domain.Assign].
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
