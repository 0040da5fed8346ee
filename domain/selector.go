package domain

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// MaxLeaseUsers is the most users that one lease may hold.
const MaxLeaseUsers = 32

// Selector says which user an acquire wants: one by its id, or any that matches all fields that are set.
type Selector struct {
	UserID    UserID    // zero: any user that matches the fields below
	ProjectID ProjectID // zero: any
	Env       string    // empty: any
	Domain    string    // empty: any
	Labels    Labels    // the user must have all of them, and may have more

	scope Scope // see [Selector.In]
}

// In returns the selector limited to users of the scope: other users do not exist for it. If the selector is limited
// already, the result is limited to users that are in both scopes, so a limit can't be removed. The zero scope changes
// nothing.
func (s Selector) In(scope Scope) Selector {
	s.scope = s.scope.and(scope)
	return s
}

// Scope returns the projects that the selector is limited to; see [Selector.In].
func (s Selector) Scope() Scope { return s.scope }

// Matches reports whether u fits the selector, free or not.
func (s Selector) Matches(u *User) bool { return s.matches(u.ID(), u.state.Pool, u.state.Labels) }

// MatchesView reports whether the user of a view fits the selector, free or not.
func (s Selector) MatchesView(v View) bool { return s.matches(v.ID, v.Pool, v.Labels) }

func (s Selector) matches(id UserID, pool Pool, labels Labels) bool {
	if !s.UserID.IsZero() {
		return s.UserID == id && s.scope.Has(pool.ProjectID)
	}
	return s.InPool(pool) && labels.Contain(s.Labels)
}

// Equal reports whether both selectors are the same.
func (s Selector) Equal(other Selector) bool {
	return s.UserID == other.UserID && s.ProjectID == other.ProjectID &&
		s.Env == other.Env && s.Domain == other.Domain && maps.Equal(s.Labels, other.Labels) && s.scope.Equal(other.scope)
}

// Overlaps reports whether one user could match both selectors.
func (s Selector) Overlaps(other Selector) bool {
	if !s.scope.overlaps(other.scope) ||
		!other.ProjectID.IsZero() && !s.scope.Has(other.ProjectID) ||
		!s.ProjectID.IsZero() && !other.scope.Has(s.ProjectID) {
		return false
	}
	if !s.UserID.IsZero() || !other.UserID.IsZero() {
		// The id does not tell the pool and the labels, so the named user may match any fields.
		return s.UserID.IsZero() || other.UserID.IsZero() || s.UserID == other.UserID
	}
	for key, value := range s.Labels {
		if theirs, both := other.Labels[key]; both && theirs != value {
			return false
		}
	}
	return (s.ProjectID == other.ProjectID || s.ProjectID.IsZero() || other.ProjectID.IsZero()) &&
		(s.Env == other.Env || s.Env == "" || other.Env == "") &&
		(s.Domain == other.Domain || s.Domain == "" || other.Domain == "")
}

// CheckSelectors returns an [InvalidError] with everything that is wrong with the selectors of one lease.
func CheckSelectors(want []Selector) error {
	var v violations
	if len(want) == 0 || len(want) > MaxLeaseUsers {
		v.add("/users", "must have from 1 to %d selectors", MaxLeaseUsers)
		return v.err()
	}
	first := make(map[UserID]int, len(want))
	for i, s := range want {
		at := fmt.Sprintf("/users/%d", i)
		if s.UserID.IsZero() {
			v.text(at+"/env", s.Env, maxName)
			v.text(at+"/domain", s.Domain, maxName)
			v.labels(at+"/labels", s.Labels)
			continue
		}
		if !s.ProjectID.IsZero() || s.Env != "" || s.Domain != "" || len(s.Labels) > 0 {
			v.add(at, "must have either a user_id or pool fields and labels, not both")
		}
		if j, again := first[s.UserID]; again {
			v.add(at+"/user_id", "must not be the user of selector %d again", j)
		} else {
			first[s.UserID] = i
		}
	}
	return v.err()
}

// Refusal returns the reason why no lease can be granted at now, or nil if the free users in matching are enough. For each
// of the k selectors, matching must have k users that match it in any state and k free users that match it, or all if there
// are fewer than k.
//
// The reason is a [SelectorError] if a selector names a user that does not exist, is locked or is in quarantine. Otherwise
// it is an [UnmatchedError].
func Refusal(now time.Time, want []Selector, matching []*User) error {
	byID := make(map[UserID]*User, len(matching))
	var free []*User
	for _, u := range matching {
		if byID[u.ID()] = u; u.CheckFree(now) == nil {
			free = append(free, u)
		}
	}
	for i, s := range want {
		if s.UserID.IsZero() {
			continue
		}
		u, found := byID[s.UserID]
		if !found || !s.Matches(u) {
			return &SelectorError{Reason: ErrUserNotFound, Selector: i}
		}
		if err := u.CheckFree(now); err != nil {
			return &SelectorError{Reason: err, Selector: i}
		}
	}
	if _, missing := Assign(want, matching); len(missing) > 0 {
		return &UnmatchedError{Reason: ErrNoMatch, Selectors: missing}
	}
	if _, missing := Assign(want, free); len(missing) > 0 {
		return &UnmatchedError{Reason: ErrPoolExhausted, Selectors: missing}
	}
	return nil
}

// Exhausted returns the refusal of a claim for which there are enough users, but other claims hold or need them.
func Exhausted(want []Selector) error {
	_, all := Assign(want, nil)
	return &UnmatchedError{Reason: ErrPoolExhausted, Selectors: all}
}

// MayPass reports whether the reason of a refusal may go away while the claim waits.
func MayPass(refusal error) bool {
	return errors.Is(refusal, ErrPoolExhausted) || errors.Is(refusal, ErrUserLocked) || errors.Is(refusal, ErrUserQuarantined)
}
