package domain

import "time"

// Pool names the users that share a project, an environment and a domain.
type Pool struct {
	ProjectID ProjectID
	Env       string
	Domain    string
}

// PoolCount counts the users of a pool by their state. Total is the sum of Free, Locked and Quarantined.
type PoolCount struct {
	Pool        Pool
	Total       int
	Free        int
	Locked      int
	Quarantined int
	Waiting     int           // acquires that wait in line for a user of the pool
	LongestWait time.Duration // how long the first of them has been waiting
}

// Pool returns what the selector says about the pool. named is false if it leaves a field of the pool open.
func (s Selector) Pool() (pool Pool, named bool) {
	return Pool{ProjectID: s.ProjectID, Env: s.Env, Domain: s.Domain}, !s.ProjectID.IsZero() && s.Env != "" && s.Domain != ""
}

// InPool reports whether users of the pool could match, depending on their labels. It is false for a selector that names a
// user, because the id does not tell the pool.
func (s Selector) InPool(pool Pool) bool {
	return s.UserID.IsZero() && s.scope.Has(pool.ProjectID) &&
		(s.ProjectID.IsZero() || s.ProjectID == pool.ProjectID) &&
		(s.Env == "" || s.Env == pool.Env) &&
		(s.Domain == "" || s.Domain == pool.Domain)
}
