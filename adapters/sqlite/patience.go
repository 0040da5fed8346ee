package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

const (
	// lockPatience is for the lock, which who looks after keys has while a new file gets its schema.
	lockPatience = 2 * time.Second

	// othersPatience is for whoever has the lock to bring the schema up to date, and for whoever writes beside us to pause.
	othersPatience = 5 * time.Second

	attemptPause = 20 * time.Millisecond
)

// insist attempts to open a file again as long as it fails for what passes by itself.
func insist(ctx context.Context, open func() error) error {
	begun := time.Now()
	for {
		err := open()
		if err == nil || time.Since(begun) >= patience(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(attemptPause):
		}
	}
}

// patience returns for how long to go on in spite of an error: not at all for what needs somebody to repair it.
func patience(err error) time.Duration {
	switch {
	case errors.Is(err, ErrInUse):
		return lockPatience
	case errors.Is(err, bunstore.ErrBehind), causeOf(err) == bunstore.Busy:
		return othersPatience
	default:
		return 0
	}
}
