package ports

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Observer is told what a store of this process has written, so that it can be measured. A store calls it after a commit, and before it
// answers the callers whose operations were in it. Several calls may come at the same time. They must return at once, because callers
// wait for them.
type Observer interface {
	// Recorded has the events of one transaction, in their order. Over all processes that use the store, each event of the
	// [History] is told once, by the process that wrote it. Two kinds are not: what a store writes while it is being opened, and what a
	// process wrote without learning whether its transaction was committed. The observer must not change the events.
	Recorded(events []domain.Event)

	// Committed has how many operations of callers one transaction carried out, and how long it took to write and to commit it. A store
	// without a medium, on which nothing has to be committed, does not call it.
	Committed(operations int, took time.Duration)
}

// Observers tells several observers. It may be empty.
type Observers []Observer

// Recorded implements [Observer].
func (all Observers) Recorded(events []domain.Event) {
	if len(events) == 0 {
		return
	}
	for _, o := range all {
		o.Recorded(events)
	}
}

// Committed implements [Observer].
func (all Observers) Committed(operations int, took time.Duration) {
	for _, o := range all {
		o.Committed(operations, took)
	}
}
