package domain

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// MaxLeaseUsers is the most users that one lease may hold.
const MaxLeaseUsers = 32

// Selector says which user is wanted: one by its id, or any that fits the fields that are set.
type Selector struct {
	UserID    UserID    // zero: any user that fits the fields below
	ProjectID ProjectID // zero: any
	Env       string    // empty: any
	Domain    string    // empty: any
	Labels    Labels    // all of them must be there

	scope Scope // see [Selector.In]
}

// In returns the selector limited to the users of the scope: others do not exist for it. A selector that is limited twice
// wants only users that are in both scopes, so a limit can't be lifted. The zero scope changes nothing.
func (s Selector) In(scope Scope) Selector {
	s.scope = s.scope.and(scope)
	return s
}

// Scope returns the projects that the selector is limited to; see [Selector.In].
func (s Selector) Scope() Scope { return s.scope }

// Matches reports whether u is wanted, free or not.
func (s Selector) Matches(u *User) bool {
	pool := u.state.Pool
	if !s.UserID.IsZero() {
		return s.UserID == u.ID() && s.scope.Has(pool.ProjectID)
	}
	return s.scope.Has(pool.ProjectID) && (s.ProjectID.IsZero() || s.ProjectID == pool.ProjectID) &&
		(s.Env == "" || s.Env == pool.Env) &&
		(s.Domain == "" || s.Domain == pool.Domain) &&
		u.state.Labels.Contain(s.Labels)
}

// Equal reports whether both want the same.
func (s Selector) Equal(other Selector) bool {
	return s.UserID == other.UserID && s.ProjectID == other.ProjectID &&
		s.Env == other.Env && s.Domain == other.Domain && maps.Equal(s.Labels, other.Labels) && s.scope.Equal(other.scope)
}

// Overlaps reports whether one user could be wanted by both.
func (s Selector) Overlaps(other Selector) bool {
	if !s.scope.overlaps(other.scope) || !s.scope.allows(other.ProjectID) || !other.scope.allows(s.ProjectID) {
		return false
	}
	if !s.UserID.IsZero() || !other.UserID.IsZero() {
		// Who a user is does not tell what it is, so it may fit any fields.
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

// CheckSelectors returns an [InvalidError] that names everything that is wrong with the selectors of one lease.
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

// Refusal explains why no lease can be granted at now. matching must hold, for each of the k selectors, k of the users
// that match it whatever their state (all, if there are fewer), and k of those that are free. Refusal returns nil if,
// against the caller's belief, the free ones among them suffice.
//
// The errors are a [SelectorError] for a user that is named and missing, locked or in quarantine, and else an
// [UnmatchedError].
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

// Exhausted is the refusal of somebody who gets no user although there are enough: others need or keep them.
func Exhausted(want []Selector) error {
	_, all := Assign(want, nil)
	return &UnmatchedError{Reason: ErrPoolExhausted, Selectors: all}
}

// MayPass reports whether what a claim was refused for may pass while it waits.
func MayPass(refusal error) bool {
	return errors.Is(refusal, ErrPoolExhausted) || errors.Is(refusal, ErrUserLocked) || errors.Is(refusal, ErrUserQuarantined)
}
