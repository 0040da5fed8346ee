package ports

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// History tells what happened to users. It is written together with what happened, and nothing is ever changed in it.
type History interface {
	// Events returns a page of what happened, oldest first. Whoever asks again with the id of the last event that it saw
	// misses none and sees none twice, until [Housekeeping] forgets it.
	Events(ctx context.Context, q EventQuery) (EventPage, error)
}

// EventID is the position of an event in the history: above those of all events before it, and above 0.
type EventID int64

// EventQuery says which events to return: those that fit all the fields that are set.
type EventQuery struct {
	Scope  domain.Scope // only users of these projects
	UserID domain.UserID
	Owner  string    // of the lock that it is about
	Since  time.Time // not before this time of the store's clock
	After  EventID   // only later ones
	Limit  int       // the most events to return, at least 1
}

// EventPage is a part of the history.
type EventPage struct {
	Events []RecordedEvent
	More   bool // there were events after the last one
}

// RecordedEvent is an event in its place.
type RecordedEvent struct {
	ID EventID
	domain.Event

	// KeyName is that of the event's API key. It is empty if there is none, and if the query's scope does not cover the key's:
	// the name may tell of other projects.
	KeyName string
}
