package domain

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
	Waiting     int // acquires that wait for a user of the pool
}
