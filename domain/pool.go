package domain

import "time"

// Pool names the users that share a project, an environment and a domain.
type Pool struct {
	ProjectID ProjectID
	Env       string
	Domain    string
}

// PoolCount says how many users of a pool are in which state. Total is the sum of Free, Locked and Quarantined.
type PoolCount struct {
	Pool        Pool
	Total       int
	Free        int
	Locked      int
	Quarantined int
	Waiting     int           // acquires that stand in line for a user of the pool
	LongestWait time.Duration // how long the first of them has waited
}

// InPool reports whether users of the pool could be wanted, whatever their labels. It is false for a selector that names
// a user: what that is can't be told from its id.
func (s Selector) InPool(pool Pool) bool {
	return s.UserID.IsZero() && s.scope.Has(pool.ProjectID) &&
		(s.ProjectID.IsZero() || s.ProjectID == pool.ProjectID) &&
		(s.Env == "" || s.Env == pool.Env) &&
		(s.Domain == "" || s.Domain == pool.Domain)
}
