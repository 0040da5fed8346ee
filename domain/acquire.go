package domain

import "time"

// Acquire picks a free user for each selector and grants a lease of them. It is the one call for a program that has its
// users in memory. id is the id of the new lease; see [NewLeaseID].
//
// candidates are the users to pick from. All users of the program are always enough. A program that loads fewer must load,
// for each of the k selectors, k free users that match it and k users that match it in any state, or all if there are fewer
// than k. Load the candidates and save the users of the lease in one transaction.
//
// Acquire returns the error of [LeasePolicy.Validate], an [InvalidError] with all fields that [CheckSelectors] and
// [LeasePolicy.Apply] reject, or an error of [Refusal]. In all of these cases no user has changed.
func Acquire(
	now time.Time, id LeaseID, policy LeasePolicy, terms Terms, want []Selector, candidates []*User,
) (Lease, error) {
	if err := policy.Validate(); err != nil {
		return Lease{}, err
	}
	granted, err := policy.Apply(terms)
	if err := JoinInvalid(CheckSelectors(want), err); err != nil {
		return Lease{}, err
	}
	free := make([]*User, 0, len(candidates))
	for _, u := range candidates {
		if u.CheckFree(now) == nil {
			free = append(free, u)
		}
	}
	users, missing := Assign(want, free)
	if len(missing) > 0 {
		return Lease{}, Refusal(now, want, candidates)
	}
	return Grant(now, id, granted, users)
}
