// Package domain holds the User aggregate and its lock rules: who may hold a test user, for how long, and in what order
// users are handed out.
//
// It imports the standard library only and does no input or output, so it can be embedded in any service: rebuild a
// [User] with [Restore], let [Assign] pick, let [Grant], [Renew] and [Release] decide, and keep what [User.Snapshot]
// returns. Time is always an argument. The caller must pass the time of one clock that all its processes share (a
// database's, say), because expiry is decided by it.
//
// Values of this package are not safe for concurrent use; every caller works on a copy of its own.
package domain
