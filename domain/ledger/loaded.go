package ledger

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Loaded is what a store has loaded of what operations need.
type Loaded struct {
	// Now is the time of the store's clock after everything was loaded.
	Now time.Time

	// Complete says that no row and no call was left out because a rival holds it.
	Complete bool

	Users    []Row // those that were named, and those of leases, in any order and perhaps more than once
	Searches []Search

	Expired    []Row
	NextExpiry time.Time // of a lock that has not expired; zero if there is none, or nobody asked

	Calls []domain.Once        // those that were carried out
	Busy  map[CallKey]struct{} // those that a rival is carrying out

	// Wanted reports whether a claim in line wants a user; see [Wants.Wanted]. nil says that nobody is in line.
	Wanted func(*domain.User) bool
}

// Row is a user as it was loaded.
type Row struct {
	ID   domain.UserID
	User *domain.User // without secrets if these can't be read; nil if nothing can
	Err  error        // why the row can't be read; nil if it can

	// Repairable says that new secrets may replace those that can't be read.
	Repairable bool
}

// RowOf returns the row of a user that could be read.
func RowOf(u *domain.User) Row { return Row{ID: u.ID(), User: u} }

// Why an operation was not applied. Nothing has changed then, and a store that loads more can apply it again.
var (
	// ErrContended says that a rival holds what is needed, or carries out the same call.
	ErrContended = errors.New("a rival holds what is needed")
	// ErrNotLoaded says that the target is not there, or, unless [Loaded.Complete] is set, that a rival holds it.
	ErrNotLoaded = errors.New("the target is not there, or a rival holds it")
	// ErrShort says that the searches found too few users. [Ledger.Refusal] tells why.
	ErrShort = errors.New("the searches found too few free users")
	// ErrTaken says that the users which a claim has chosen are not free anymore.
	ErrTaken = errors.New("the chosen users were taken")
	// ErrAwaited says that a claim in line may need the users that this claim would get.
	ErrAwaited = errors.New("a claim in line is to be served first")
)
