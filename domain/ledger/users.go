package ledger

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// Target names users: one by its id, or all that carry a lease.
type Target struct {
	User  domain.UserID
	Lease domain.LeaseDigest // if it is not zero, it is the target
}

func (t Target) need(n *Needs) {
	if t.Lease.IsZero() {
		n.Users = append(n.Users, t.User)
	} else {
		n.Leases = append(n.Leases, t.Lease)
	}
}

// target returns the entries of a target, or [ErrNotLoaded].
func (l *Ledger) target(t Target) ([]*entry, error) {
	entries := l.named(t.User)
	if !t.Lease.IsZero() {
		entries = l.under(t.Lease)
	}
	if len(entries) == 0 {
		return nil, ErrNotLoaded
	}
	return entries, nil
}

// Update lets the domain decide about users.
type Update struct {
	Target Target
	Decide Decide

	Users []*domain.User // the outcome: what became of them, those of a lease in its order
}

func (u *Update) need(n *Needs) { u.Target.need(n) }

func (u *Update) apply(l *Ledger) error {
	entries, err := l.target(u.Target)
	if err != nil {
		return err
	}
	u.Users, err = l.decide(entries, u.Decide)
	return err
}

func (*Update) confirm(map[domain.UserID]bool) error { return nil }

// Remove removes a user if the domain lets it, also one whose secrets can't be read.
type Remove struct {
	User   domain.UserID
	Decide Decide
}

func (r *Remove) need(n *Needs) { n.Users = append(n.Users, r.User) }

func (r *Remove) apply(l *Ledger) error {
	entries, err := l.target(Target{User: r.User})
	if err != nil {
		return err
	}
	users, err := l.tryOut(entries, r.Decide)
	if err != nil {
		return err
	}
	e := entries[0]
	l.noteLeases(users[0].Left()...)
	l.noteRemoved(users[0])
	e.removed, e.free = true, false
	l.changes.Events = append(l.changes.Events, users[0].Events()...)
	l.changes.Removed = append(l.changes.Removed, r.User)
	return nil
}

func (*Remove) confirm(map[domain.UserID]bool) error { return nil }

// Add adds users, all or none. One that adds several is contended unless it is the only one in its ledger that adds.
type Add struct {
	Users []*domain.User
	Once  domain.Once
}

func (a *Add) need(n *Needs) { n.once(a.Once) }

func (a *Add) apply(l *Ledger) error {
	if err := l.checkCall(a.Once); err != nil {
		return err
	}
	if len(l.changes.Added) > 0 && (l.changes.Together || len(a.Users) > 1) {
		l.noteCall(a.Once)
		return ErrContended
	}
	for _, u := range a.Users {
		if slices.ContainsFunc(l.changes.Added, func(other Added) bool { return other.User.ID() == u.ID() }) {
			l.noteCall(a.Once)  // the same call behind this one is contended, too
			return ErrContended // whether the other user is written decides
		}
	}
	for i, u := range a.Users {
		added := Added{User: u}
		if i == 0 {
			added.Calls = l.noteCall(a.Once)
		}
		l.changes.Added = append(l.changes.Added, added)
	}
	l.changes.Together = len(a.Users) > 1
	return nil
}

func (a *Add) confirm(written map[domain.UserID]bool) error {
	for _, u := range a.Users {
		if !written[u.ID()] {
			return domain.ErrUserExists
		}
	}
	return nil
}
