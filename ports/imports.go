package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Imports adds and changes many users at once, and lists them for the next import.
type Imports interface {
	// ImportUsers checks rows and, depending on the part, carries them out:
	//
	//   - A whole import, with a FirstRow of 0, is carried out at once, all rows or none. If a row breaks a rule, it returns a
	//     [domain.ImportRefusedError] with all errors.
	//   - A part of an import is kept until [Imports.FinishImport] carries out all parts, all rows or none. A part with an error is
	//     not kept. A store forgets the parts of an import that does not go on for [domain.ImportKept].
	//   - With Partial, the good rows are carried out at once.
	//   - With DryRun, nothing is.
	//
	// A row that has the same identity as another row of the import breaks a rule; so does a project outside of the caller's scope. The
	// same part with the same id is carried out once, with the reason of the first time. Other rows at its place are an
	// [domain.ErrIdempotencyMismatch].
	ImportUsers(ctx context.Context, part domain.ImportPart) (domain.ImportReport, error)

	// FinishImport carries out the parts of an import that has so many rows. It takes some seconds at most. While the report has the
	// state [domain.ImportApplying], it is to be called again; but even if it is not, the farm carries out the rest. A row whose
	// user was removed since it was checked may be refused.
	//
	// It returns [domain.ErrImportNotFound], or [domain.ErrImportIncomplete] if parts are missing or have errors.
	FinishImport(ctx context.Context, id domain.ImportID, rows int) (domain.ImportReport, error)

	// ExportUsers returns a page of the users that q matches, with their secrets. It fails if the secrets of a user can't be read.
	ExportUsers(ctx context.Context, q Query) (ExportPage, error)
}

// ExportPage is one page of a list of users with their secrets.
type ExportPage struct {
	Users []domain.Spec
	Next  domain.UserID // After of the query for the next page; zero on the last page
}

// Merger adds and changes users by their identities.
type Merger interface {
	// LookUp returns what there is of each identity. The zero identity is nobody's. The identities are those of the rows from in
	// on: what was staged of these rows before is not compared with them.
	LookUp(ctx context.Context, in ImportPlace, identities []domain.Identity) ([]Sighting, error)

	// UserIDs returns the ids of the users that have identities; zero for those that nobody has.
	UserIDs(ctx context.Context, identities []domain.Identity) ([]domain.UserID, error)

	// Merge calls the Decide of the merge with its users, and writes them and those to add, all or none. It returns the error of
	// Decide, [domain.ErrUserNotFound] if one of the users was removed, and [domain.ErrUserExists] if another user has the identity
	// of one to add. For a call that was carried out before, it returns what Claim returns then.
	Merge(ctx context.Context, merge Merge) error
}

// ImportPlace is the place of rows in an import. The zero value is in none.
type ImportPlace struct {
	Import   domain.ImportKey
	FirstRow int
}

// Sighting is what there is of an identity.
type Sighting struct {
	User *domain.User // nil if there is none; without its secrets if these can't be read
	Twin int          // the number of another row of the import with the same identity; 0 if there is none before this one
}

// Merge says what [Merger.Merge] is to do.
type Merge struct {
	Users []domain.UserID // to change, all different
	Once  domain.Once     // whose outcome Decide returns

	// Decide changes the users that it gets, in the order of Users, and returns those to add. It must do nothing else, because a store
	// may call it again. now is the time of the store's clock.
	Decide func(now time.Time, users []*domain.User) (added []*domain.User, outcome [16]byte, err error)
}

// ImportStore keeps imports of several chunks, so that all or none of the rows are imported whatever crashes. An import is open from
// DecideImport until the last of its chunks has ended.
type ImportStore interface {
	// StageImport keeps a chunk. One that is there already at this place stays, unless it only has identities: then it gets the
	// payload. It returns [domain.ErrIdempotencyMismatch] if the chunk there has other identities, or if the import is decided and
	// has none there.
	StageImport(ctx context.Context, chunk ImportChunk) error

	// DecideImport makes the import one that is carried out in any case. It does nothing if that was decided before. It returns
	// [domain.ErrImportNotFound], or [domain.ErrImportIncomplete] unless the payloads are those of so many rows.
	DecideImport(ctx context.Context, key domain.ImportKey, rows int) error

	// NextChunk returns the first chunk of a decided import after a row that has not ended. Without one, ok is false. The chunk has no
	// identities. It returns [domain.ErrImportNotFound].
	NextChunk(ctx context.Context, key domain.ImportKey, after int) (chunk ImportChunk, ok bool, err error)

	// ImportProgress returns what became of the rows of the chunks of a decided import that have ended, and whether all have. It
	// returns [domain.ErrImportNotFound].
	ImportProgress(ctx context.Context, key domain.ImportKey) (done domain.ImportCounts, ended bool, err error)

	// EndChunk notes what became of a chunk, and forgets its payload. It does nothing for a chunk that has ended.
	EndChunk(ctx context.Context, place ImportPlace, counts domain.ImportCounts) error

	// OpenImports returns open imports with which nothing has happened for the given time.
	OpenImports(ctx context.Context, idle time.Duration) ([]domain.ImportKey, error)
}

// ImportChunk are some rows of an import.
type ImportChunk struct {
	ImportPlace

	Identities []domain.Identity // of the rows
	Payload    domain.Secret     // the rows; empty for those that are not to be carried out later
}
