package ledger

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Merge changes users and adds others, all or none. It is contended unless it is the only operation in its ledger that adds.
type Merge struct {
	Users []domain.UserID // that exist
	Once  domain.Once

	// Decide changes the users and returns those to add, and the outcome of the call.
	Decide func(now time.Time, users []*domain.User) (added []*domain.User, outcome [16]byte, err error)

	added []*domain.User
}

func (m *Merge) need(n *Needs) {
	n.once(m.Once)
	n.Users = append(n.Users, m.Users...)
}

func (m *Merge) apply(l *Ledger) error {
	if err := l.checkCall(m.Once); err != nil {
		return err
	}
	if len(l.changes.Added) > 0 {
		return ErrContended
	}
	entries := make([]*entry, 0, len(m.Users))
	for _, id := range m.Users {
		named := l.named(id)
		if len(named) == 0 {
			return ErrNotLoaded
		}
		entries = append(entries, named...)
	}
	once := m.Once
	_, err := l.decide(entries, func(now time.Time, users []*domain.User) (err error) {
		m.added, once.Outcome, err = m.Decide(now, users)
		return err
	})
	if err != nil {
		return err
	}
	calls := l.noteCall(once)
	if len(m.added) == 0 {
		l.changes.Calls = append(l.changes.Calls, calls...)
		return nil
	}
	for i, u := range m.added {
		added := Added{User: u}
		if i == 0 {
			added.Calls = calls
		}
		l.changes.Added = append(l.changes.Added, added)
	}
	l.changes.Together = true
	return nil
}

// confirm returns [domain.ErrUserExists] if a user could not be added. Then nothing was written.
func (m *Merge) confirm(written map[domain.UserID]bool) error {
	for _, u := range m.added {
		if !written[u.ID()] {
			return domain.ErrUserExists
		}
	}
	return nil
}
