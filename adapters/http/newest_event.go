package http

import (
	"context"

	"github.com/userfarm/userfarm/ports"
)

// newestEvent returns the id of the newest event; 0 if there is none. It looks for it with steps that grow until they
// overshoot and then shrink, and asks for single events only: some forty, if there are a million. Their times would lead to
// it too, but a clock that is off would let a stream begin too early or too late.
func newestEvent(ctx context.Context, history ports.History) (newest ports.EventID, err error) {
	grows := true
	for step := ports.EventID(1); ; {
		page, err := history.Events(ctx, ports.EventQuery{After: newest + step, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(page.Events) > 0 {
			newest = page.Events[0].ID
		} else {
			grows = false
		}
		switch {
		case grows:
			step *= 2
		case step == 0:
			return newest, nil
		default:
			step /= 2
		}
	}
}
