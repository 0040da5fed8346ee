package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Decide lets the domain decide about users that nobody else can change meanwhile. It may change the users it is given and
// nothing else, for it may be called again on fresh copies. An error leaves everything as it was.
type Decide = func(now time.Time, users []*domain.User) error

// CallKey finds a call that is carried out once: the key of its [domain.Once].
type CallKey = [sha256.Size]byte

// Operation is one of [Claim], [Update], [Remove], [Add], [Merge] and [Expire]. It can be applied again, to another ledger: it keeps
// nothing from one attempt to the next but its latest outcome.
type Operation interface {
	need(*Needs)
	apply(*Ledger) error
	confirm(written map[domain.UserID]bool) error
}

// Needs are what must be loaded to apply operations, and kept from everybody else until the changes are written.
type Needs struct {
	Users    []domain.UserID
	Leases   []domain.LeaseDigest // all users that carry one of these
	Searches []Search             // free users; each search once
	Calls    []CallKey            // which of these were carried out, and which are being carried out elsewhere
	Line     bool                 // which claims are in line
	Expired  int                  // up to so many users whose locks have expired, and the time of the next expiry
}

// Search is a search for free users that a selector matches, the most rested first. It does not name a user.
type Search struct {
	Want  domain.Selector
	Key   string // the same for searches that want the same
	Limit int    // how many users to find at most
	Found []Row  // what was found; empty in [Needs]
}

// NeedsOf returns what operations need. slack is how many users each search should find beyond that, for those that may
// turn out to be unreadable.
func NeedsOf(slack int, operations ...Operation) Needs {
	var n Needs
	for _, operation := range operations {
		operation.need(&n)
	}
	n.Searches = limit(n.Searches, len(n.Users)+slack)
	return n
}

// SearchesOf returns the searches that find enough free users to serve a line of claims.
func SearchesOf(slack int, line [][]domain.Selector) []Search {
	var searches []Search
	for _, want := range line {
		for _, selector := range want {
			searches = append(searches, Search{Want: selector})
		}
	}
	return limit(searches, slack)
}

func (n *Needs) once(once domain.Once) {
	if !once.IsZero() {
		n.Calls = append(n.Calls, once.Key)
	}
}

// SearchKey is the same for selectors that want the same.
func SearchKey(want domain.Selector) string {
	key := make([]byte, 0, 128)
	key = append(key, want.UserID[:]...)
	key = append(key, want.ProjectID[:]...)
	key = strconv.AppendQuote(key, want.Env)
	key = strconv.AppendQuote(key, want.Domain)
	if len(want.Labels) > 0 {
		labels, _ := json.Marshal(want.Labels) // sorted; a map of texts always encodes
		key = append(key, labels...)
	}
	if want.Scope().Limited {
		key = append(key, '@')
		for _, project := range want.Scope().Projects {
			key = append(key, project[:]...)
		}
	}
	return string(key)
}
