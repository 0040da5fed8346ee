package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// holds checks during the measurement that no two holds of a user overlap, and that every hold of a user has a higher fence than the
// hold before. A hold begins when the client has the answer to its acquire, and ends before the client sends its release. So if two
// holds overlap, the farm had granted both at the same time, however slow the network was.
//
// Each user has a mutex, and the order in which clients lock it is the order of time: a new hold overlaps those that have begun and
// not ended. So a counter for each user is enough, and the check is exact for any number of holds.
type holds struct {
	users    map[string]*userHolds // the map does not change
	overlaps atomic.Int64          // pairs of holds
	fences   atomic.Int64          // holds whose fence is not higher than that of a hold before
	first    atomic.Pointer[string]
}

type userHolds struct {
	number  int // index in the list of users
	mu      sync.Mutex
	holders int64
	highest uint64 // fence
}

func newHolds(users []string) *holds {
	h := &holds{users: make(map[string]*userHolds, len(users))}
	for i, id := range users {
		h.users[id] = &userHolds{number: i}
	}
	return h
}

// begin records that a client holds the user from now on, and returns the user's index in the list of users. If the user is not in
// the list, it records nothing and returns false.
func (h *holds) begin(user string, fence uint64) (number int, known bool) {
	u, known := h.users[user]
	if !known {
		return 0, false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.holders > 0 {
		h.overlaps.Add(u.holders)
		h.note("user %s was handed out with fence %d while it was held with fence %d", user, fence, u.highest)
	}
	if fence <= u.highest {
		h.fences.Add(1)
		h.note("user %s was handed out with fence %d after fence %d", user, fence, u.highest)
	}
	u.holders++
	u.highest = max(u.highest, fence)
	return u.number, true
}

// end records that the client of a hold that began is about to release the user.
func (h *holds) end(user string) {
	u := h.users[user]
	u.mu.Lock()
	defer u.mu.Unlock()
	u.holders--
}

// note stores the description of the first error.
func (h *holds) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	h.first.CompareAndSwap(nil, &text)
}

// firstWrong returns the description of the first error, or an empty string.
func (h *holds) firstWrong() string {
	if first := h.first.Load(); first != nil {
		return *first
	}
	return ""
}
