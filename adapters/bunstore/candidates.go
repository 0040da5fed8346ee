package bunstore

import (
	"slices"
	"sync"
	"time"
)

// What a search for labels does at most. One that finds more candidates serves more claims, and one that reads more keeps others
// waiting.
const (
	// CandidatesAtOnce is how many candidates a search remembers, unless the group that searches needs more.
	CandidatesAtOnce = 128

	// FewSets is how many sets of labels a search looks into one by one. If more match, many users do, so it reads the users of
	// the pool in the order of their rest instead.
	FewSets = 512

	// OfEachSet is how many users a search reads of each of many sets. With one, it would not know who comes second.
	OfEachSet = 2

	// UsersAtOnce is how many users a search reads about, in the pool or in a few sets together.
	UsersAtOnce = 1024
)

const (
	// candidatesAge is for how long candidates are trusted to be the longest rested ones. Until then, a user that another replica
	// added, or restored from quarantine, may have to wait while others are free.
	candidatesAge = time.Second

	// maxCandidates bounds how many searches are remembered.
	maxCandidates = 1_000
)

// Candidates remember users that a search for labels found free, in the order of their rest: those that come free later have
// rested less. So one search, which may read about many sets of labels, serves many claims.
//
// They are about order, not about which users are free: whoever takes one checks that it still is, and searches if too few are.
type Candidates struct {
	mu    sync.Mutex
	known map[string]candidates
}

type candidates struct {
	users []Candidate
	since time.Time
}

// Candidate is a user that a search found free. It is one only until it is held, because then others have rested longer.
type Candidate struct {
	User   [16]byte
	FreeAt int64 // since when it is free
	Set    int64 // its set of labels, or 0 if the search did not go by sets
}

// Of returns the candidates of the search with a key.
func (c *Candidates) Of(key string) []Candidate {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[key]
	if time.Since(known.since) > candidatesAge {
		delete(c.known, key)
		return nil
	}
	return known.users
}

// Found keeps what a search found, the longest rested first, at most so many of each set of labels.
func (c *Candidates) Found(key string, found []Candidate, ofEach int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(found) < 2 { // the one will be taken
		delete(c.known, key)
		return
	}
	if c.known == nil || len(c.known) >= maxCandidates && c.known[key].users == nil {
		c.known = make(map[string]candidates)
	}
	c.known[key] = candidates{users: inOrder(found, ofEach), since: time.Now()}
}

// inOrder returns candidates up to where more users of a set could follow.
func inOrder(found []Candidate, ofEach int) []Candidate {
	of := make(map[int64]int)
	for i, candidate := range found {
		if of[candidate.Set]++; candidate.Set != 0 && of[candidate.Set] == ofEach {
			return found[:i+1]
		}
	}
	return found
}

// Held drops the candidates before the first that was held: these are not free.
func (c *Candidates) Held(key string, held []Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepFrom(key, func(candidate Candidate) bool { return len(held) > 0 && candidate.User == held[0].UserID })
}

// keepFrom drops the candidates of a search before the first that is like this; all if none is. The caller holds the mutex.
func (c *Candidates) keepFrom(key string, isFirst func(Candidate) bool) {
	known := c.known[key]
	first := slices.IndexFunc(known.users, isFirst)
	if first < 0 {
		delete(c.known, key)
		return
	}
	known.users = known.users[first:]
	c.known[key] = known
}

// Wrote forgets what changes put out of order: all candidates if a user was added, restored or got other labels, or else those at
// the front of the searches with these keys that were taken.
func (c *Candidates) Wrote(changes Changes, keys []string) {
	reorder := changes.Reorder()
	if !reorder && len(keys) == 0 {
		return
	}
	moved := make(map[[16]byte]bool, len(changes.Moved))
	for _, m := range changes.Moved {
		moved[m.UserID] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if reorder {
		clear(c.known)
	}
	for _, key := range keys {
		c.keepFrom(key, func(candidate Candidate) bool { return !moved[candidate.User] })
	}
}
