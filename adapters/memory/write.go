package memory

import (
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// account is what must be unique: two users of one account would defeat the lock.
type account struct {
	project  domain.ProjectID
	env      string
	loginKey string
}

func (s *Store) accountOf(u *domain.User) account {
	state := u.Snapshot()
	return s.account(domain.Identity{ProjectID: state.Pool.ProjectID, Env: state.Pool.Env, Login: state.Login})
}

func (s *Store) account(of domain.Identity) account {
	return account{project: of.ProjectID, env: of.Env, loginKey: s.rule.Key(of.Login)}
}

// write writes changes, and returns which users were added.
func (s *Store) write(changes ledger.Changes) (added map[domain.UserID]bool) {
	added = s.add(changes)
	if changes.Together && len(added) < len(changes.Added) {
		for id := range added {
			s.drop(id)
		}
		return nil
	}
	for _, c := range changes.Changed {
		after := c.After.Clone() // the caller of the operation has the other one
		if !c.After.SameSession(c.Before) {
			after = s.keepSession(after)
		}
		s.users.put(after)
	}
	for _, id := range changes.Removed {
		s.drop(id)
	}
	for _, lease := range changes.Ended {
		s.remember(lease)
	}
	events, calls := changes.WithAdded(added)
	s.record(changes.Now, events)
	for _, once := range calls {
		s.calls[once.Key] = call{once: once, at: changes.Now}
		s.dismissRepeated(once)
	}
	return added
}

// add adds the users whose id and login are not taken.
func (s *Store) add(changes ledger.Changes) map[domain.UserID]bool {
	added := make(map[domain.UserID]bool, len(changes.Added))
	for _, a := range changes.Added {
		_, idTaken := s.users.get(a.User.ID())
		account := s.accountOf(a.User)
		if _, loginTaken := s.logins[account]; idTaken || loginTaken {
			continue
		}
		s.users.put(a.User.Clone())
		s.logins[account] = a.User.ID()
		added[a.User.ID()] = true
	}
	return added
}

func (s *Store) drop(id domain.UserID) {
	u, _ := s.users.get(id)
	delete(s.logins, s.accountOf(u))
	s.users.remove(id)
	delete(s.sessions, id)
}
