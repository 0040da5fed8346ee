package domain

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// LeaseEnd says how a lease ended.
type LeaseEnd string

// How a lease can end.
const (
	LeaseExpired  LeaseEnd = "expired"
	LeaseReleased LeaseEnd = "released"
	LeaseForced   LeaseEnd = "forced" // by [ForceRelease]
)

// EndedLease is what a store remembers of a lease after its users have left it.
type EndedLease struct {
	Lease LeaseDigest
	End   LeaseEnd  // empty if it is not known
	At    time.Time // when it ended, or when that was recorded if End is empty
	Scope Scope     // the projects of its users; all projects if they are not known

	// Users are the users that left the lease, ascending by id; nil if they are not known.
	Users []FormerUser
}

// FormerUser is a user that left a lease.
type FormerUser struct {
	ID UserID

	// Fence is that of its lock under the lease. It is 0 if the holder has reported a fault of the user, because one report
	// has an effect only once.
	Fence uint64
}

// Left returns the leases that u left, and those of which it kept a fault, since u was created, restored or cloned. A store
// remembers them, each as one of the records that [EndedLease.Merge] puts together.
func (u *User) Left() []EndedLease { return u.left }

// leaving returns what u tells of a lease that it left.
func (u *User) leaving(lease EndedLease, fence uint64) EndedLease {
	lease.Scope, lease.Users = Only(u.state.Pool.ProjectID), []FormerUser{{ID: u.state.ID, Fence: fence}}
	return lease
}

// Merge returns what two records of one lease tell together. The users of a lease that has expired may leave it one after the
// other, each with a record of its own. The order of the records does not matter. What one of the records can't tell of all
// its users is not known.
func (l EndedLease) Merge(other EndedLease) EndedLease {
	merged := l
	if endsBefore(other, l) {
		merged.End, merged.At = other.End, other.At
	}
	merged.Scope = Scope{}
	if l.Scope.Limited && other.Scope.Limited {
		merged.Scope = Only(slices.Concat(l.Scope.Projects, other.Scope.Projects)...)
	}
	merged.Users = nil
	if l.Users != nil && other.Users != nil {
		users := slices.Concat(l.Users, other.Users)
		slices.SortFunc(users, func(a, b FormerUser) int {
			return cmp.Or(bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Fence, b.Fence))
		})
		merged.Users = slices.CompactFunc(users, func(a, b FormerUser) bool { return a.ID == b.ID })
	}
	return merged
}

// endsBefore reports whether the end of a lease is that of a and not that of b: an end that is known, and the earlier one.
func endsBefore(a, b EndedLease) bool {
	if (a.End == "") != (b.End == "") {
		return b.End == ""
	}
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.End, b.End)) < 0
}

// EndedLeaseError is an [ErrLeaseExpired] with what is known of the lease.
type EndedLeaseError struct {
	EndedLease

	// Faults say what became of the faults that a release reported too late, one for each user that it named; see
	// [EndedLease.KeepFault].
	Faults []LateFault
}

// LateFault says what became of a fault that was reported after the end of the lease.
type LateFault struct {
	UserID UserID
	Kept   bool
}

// Error says that the lease is over, and how and when it ended if that is known.
func (e *EndedLeaseError) Error() string {
	if e.End == "" {
		return ErrLeaseExpired.Error()
	}
	return fmt.Sprintf("%v: %s at %s", ErrLeaseExpired, e.End, e.At.UTC().Format(time.RFC3339Nano))
}

// Unwrap returns [ErrLeaseExpired].
func (*EndedLeaseError) Unwrap() error { return ErrLeaseExpired }
