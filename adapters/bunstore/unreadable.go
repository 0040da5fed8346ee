package bunstore

import (
	"sync"

	"github.com/userfarm/userfarm/domain"
)

// unreadable are the users whose rows could not be read when they were last seen: sealed with a key that is not available,
// for example. Free ones stand at the beginning of every search of their pool, so a search looks beyond as many as there are.
type unreadable struct {
	mu  sync.Mutex
	ids map[domain.UserID]struct{}
}

// note keeps whether the row of a user could be read.
func (u *unreadable) note(id domain.UserID, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err == nil:
		delete(u.ids, id)
	case u.ids == nil:
		u.ids = map[domain.UserID]struct{}{id: {}}
	default:
		u.ids[id] = struct{}{}
	}
}

func (u *unreadable) has(id domain.UserID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, has := u.ids[id]
	return has
}

// maxSlack bounds how many rows a search reads and holds for users that can't be read.
const maxSlack = 1000

// slack is how many users more a search should look for. It grows faster than they are met with, up to maxSlack: where more users
// than that can't be read, a claim may be answered that they can't.
func (u *unreadable) slack() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return min(2*len(u.ids), maxSlack)
}
