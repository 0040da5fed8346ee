// Package ledger decides what a store does with the users that it has loaded. It does no input or output: a store loads
// rows, the ledger applies operations to them, and the store writes what the ledger says.
//
//	operation := &ledger.Claim{Want: want, Decide: decide}
//	needs := ledger.NeedsOf(0, operation) // what to load: users, leases, searches for free users, calls
//	book := ledger.Open(loaded)           // what was loaded, and what is not known of it
//	err := book.Apply(operation)          // the outcome; a group of operations is applied in order
//	changes := book.Changes()             // what to write in the transaction that loaded
//
// Operations are [Claim], [Update], [Remove], [Add] and [Expire]. Each sees what those before it did, so a group that is
// applied together has the outcomes that it would have one by one. Additions are the exception: they take effect after all
// other operations of their group, because only the write tells whether a login is free.
//
// What a store has loaded is partial knowledge, and the types say in which way:
//   - A [Search] was limited: there may be more free users than it found.
//   - Rows that a rival transaction holds are left out, unless [Loaded.Complete] says otherwise.
//   - A [Row] may be unreadable: its secrets can't be opened, say.
//
// Where that is not enough to decide, the outcome is one of [ErrContended], [ErrNotLoaded], [ErrShort], [ErrTaken] and
// [ErrAwaited], and nothing has changed.
//
// The rules about users and locks stay in package domain; this package calls them.
package ledger
