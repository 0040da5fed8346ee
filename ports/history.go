package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// History tells what happened to users, API keys and projects. A store writes an event in the transaction of the change that it is
// about, and never changes it. The events of a user have the order, and, as long as nobody sets the store's clock back, the times in which
// its row was locked, over all processes: a hold never begins before the one before it has ended.
type History interface {
	// Events returns a page of events, oldest first unless the query says otherwise. A caller that asks again with the id of
	// the last event that it got misses no event and gets none twice, except for events that [Housekeeping] has deleted.
	Events(ctx context.Context, q EventQuery) (EventPage, error)
}

// EventID is the position of an event in the history. It is above 0, and above the ids of all earlier events.
type EventID int64

// EventQuery says which events to return: those that match all fields that are set.
type EventQuery struct {
	Scope     domain.Scope // only users of these projects; a store returns what their claims wanted in full, see [domain.Event.In]
	UserID    domain.UserID
	Kinds     []domain.EventKind // any of these; empty for all kinds
	Login     string             // or one that is the same by the store's rule, see [Users]; also of users that were removed
	ProjectID domain.ProjectID
	Env       string
	Domain    string
	Owner     string    // of the lock that the event is about
	Since     time.Time // only events at or after this time of the store's clock

	// NewestFirst returns the events in the reverse order.
	NewestFirst bool

	After EventID // only events that come after this one in the order: with a higher id or, newest first, with a lower one
	Limit int     // the most events to return; 0 asks a use case for 100, and a store needs at least 1

	// WithoutKeys leaves out the events about API keys. A use case sets it for callers that may not see keys.
	WithoutKeys bool
}

// EventPage is one page of the history.
type EventPage struct {
	Events []RecordedEvent

	// Next is the After of the next page; 0 if this is the last one. It may be an id after that of the last event: a store may
	// end a page, even an empty one, when it has examined many events that do not match.
	Next EventID
}

// RecordedEvent is an event with its position.
type RecordedEvent struct {
	ID EventID
	domain.Event

	// KeyName is the name of the event's API key. It is empty if there is no key, or if the query's scope does not cover the
	// key's scope: the name may tell something about other projects. Therefore an event about a key whose scope the query's scope
	// does not cover has no Name and no Reason, either.
	KeyName string
}
