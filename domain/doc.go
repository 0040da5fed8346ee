// Package domain has the User aggregate and its lock rules: which caller may hold a test user, for how long, and which user
// an acquire gets.
//
// It imports the standard library only and does no input or output, so any Go program can embed it:
//
//   - [Restore] makes a [User] of stored data, and [User.Snapshot] returns the data to store.
//   - [Acquire] picks free users and grants a lease of them. [ReadLease], [Renew] and [Release] are for its holder.
//   - [User.Quarantine] and [User.Restore] take a user out of circulation and back.
//   - [LeasePolicy] has the settings of leases. Its zero value works.
//
// Time is always an argument. Pass the time of one clock that all your processes share, the database's for example, because
// it decides whether a lock has expired.
//
// Values of this package are not safe for concurrent use. Give each goroutine its own copies.
package domain
