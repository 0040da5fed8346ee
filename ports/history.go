package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// History tells what happened to users. A store writes an event in the transaction of the change that it is about, and
// never changes it. The events of a user have the order, and, as long as nobody sets the store's clock back, the times in which
// its row was locked, over all processes: a hold never begins before the one before it has ended.
type History interface {
	// Events returns a page of events, oldest first. A caller that asks again with the id of the last event that it got
	// misses no event and gets none twice, except for events that [Housekeeping] has deleted.
	Events(ctx context.Context, q EventQuery) (EventPage, error)
}

// EventID is the position of an event in the history. It is above 0, and above the ids of all earlier events.
type EventID int64

// EventQuery says which events to return: those that match all fields that are set.
type EventQuery struct {
	Scope  domain.Scope // only users of these projects
	UserID domain.UserID
	Owner  string    // of the lock that the event is about
	Since  time.Time // only events at or after this time of the store's clock
	After  EventID   // only events with a higher id
	Limit  int       // the most events to return; 0 asks a use case for 100, and a store needs at least 1
}

// EventPage is one page of the history.
type EventPage struct {
	Events []RecordedEvent
	More   bool // there are events after the last one
}

// RecordedEvent is an event with its position.
type RecordedEvent struct {
	ID EventID
	domain.Event

	// KeyName is the name of the event's API key. It is empty if there is no key, or if the query's scope does not cover the
	// key's scope: the name may tell something about other projects.
	KeyName string
}
