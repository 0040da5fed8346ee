package memory

import (
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// login is what must be unique, for two users of one account would defeat the lock.
type login struct {
	project domain.ProjectID
	env     string
	name    string
}

func loginOf(u *domain.User) login {
	s := u.Snapshot()
	return login{project: s.Pool.ProjectID, env: s.Pool.Env, name: s.Login}
}

// write writes changes, and returns which users were added.
func (s *Store) write(changes ledger.Changes) (added map[domain.UserID]bool) {
	for _, c := range changes.Changed {
		at, _ := s.search(c.After.ID())
		s.users[at] = c.After.Clone() // the caller of the operation has the other one
	}
	for _, id := range changes.Removed {
		s.drop(id)
	}
	added = s.add(changes)
	if changes.Together && len(added) < len(changes.Added) {
		for id := range added {
			s.drop(id)
		}
		return nil
	}
	for _, lease := range changes.Ended {
		s.remember(lease, changes.Now)
	}
	events, calls := changes.WithAdded(added)
	s.record(changes.Now, events)
	for _, once := range calls {
		s.calls[once.Key] = call{once: once, at: changes.Now}
	}
	return added
}

// add adds the users whose id and login are not taken.
func (s *Store) add(changes ledger.Changes) map[domain.UserID]bool {
	added := make(map[domain.UserID]bool, len(changes.Added))
	for _, a := range changes.Added {
		at, idTaken := s.search(a.User.ID())
		if _, loginTaken := s.logins[loginOf(a.User)]; idTaken || loginTaken {
			continue
		}
		s.users = slices.Insert(s.users, at, a.User.Clone())
		s.logins[loginOf(a.User)] = struct{}{}
		added[a.User.ID()] = true
	}
	return added
}

func (s *Store) drop(id domain.UserID) {
	at, _ := s.search(id)
	delete(s.logins, loginOf(s.users[at]))
	s.users = slices.Delete(s.users, at, at+1)
}
