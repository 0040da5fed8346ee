package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

const (
	// lockPatience is how long to wait for the lock. A program that manages keys has it while a new file gets its schema.
	lockPatience = 2 * time.Second

	// othersPatience is how long to wait for the process that has the lock to bring the schema up to date, and for another
	// writer to pause.
	othersPatience = 5 * time.Second

	attemptPause = 20 * time.Millisecond
)

// retryOpen opens a file, and retries while the reason for its failure may pass by itself.
func retryOpen(ctx context.Context, open func() error) error {
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

// patience returns for how long to retry after an error: not at all if the error needs to be repaired.
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
