package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

const (
	// operationTimeout bounds every call of a store's method, its waits for connections and locks included, and every
	// transaction of a group: a call whose operation is being applied when its time is up waits for that to end, too.
	operationTimeout = 5 * time.Second

	// maxAttempts is how often a transaction is begun before its error is the answer: a dead connection, a conflict and a
	// good try make three.
	maxAttempts = 3

	// busyPause lies between attempts while another process has the database to itself.
	busyPause = time.Millisecond
)

// bounded does work in its time and makes its error one of the port's.
func (s *Store) bounded(ctx context.Context, operation string, work func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return s.explain(ctx, bounded, operation, work(bounded))
}

// read is bounded, outside of a transaction.
func (s *Store) read(ctx context.Context, operation string, query func(context.Context, bun.IDB) error) error {
	return s.bounded(ctx, operation, func(ctx context.Context) error {
		return s.retry(ctx, func() (bool, error) { return false, query(ctx, s.reader) })
	})
}

// retry attempts again what the database gave up in favour of another transaction, what met a dead connection, which is
// undone unless it was about to commit, and what was sealed with a key that the database did not know. While another process
// has the database to itself, it goes on until ctx ends: a busy farm leaves the database alone for moments only, which long
// pauses would miss. It returns the error of [Config.Check], also if the attempt succeeded: what it wrote may be lost.
func (s *Store) retry(ctx context.Context, attempt func() (committing bool, err error)) error {
	for attempts := 1; ; attempts++ {
		if err := s.check(); err != nil {
			return err
		}
		committing, err := attempt()
		if err == nil {
			return s.check()
		}
		if isRefusal(err) || ctx.Err() != nil {
			return err
		}
		again := false
		switch s.dialect.Cause(err) {
		case Disconnected:
			s.reconnect()
			again = !committing
		case Conflict:
			again = true
		case UnknownKey:
			if err := admit(ctx, s.writer, s.dialect, s.sealer.KeyIDs()[0]); err != nil {
				return err
			}
			again = true
		case Busy:
			time.Sleep(busyPause)
			attempts, again = 0, true
		case Full:
			s.full.Store(true)
		case Bug, Taken, Away:
		}
		if !again || attempts == maxAttempts {
			return err
		}
	}
}

// refusal is an error of the domain, or about what a row holds, and not of the database: the transaction could go on, and
// trying again would change nothing.
type refusal struct{ reason error }

func (r refusal) Error() string { return r.reason.Error() }

func (r refusal) Unwrap() error { return r.reason }

// refuse marks an error as a refusal. It keeps nil.
func refuse(reason error) error {
	if reason == nil {
		return nil
	}
	return refusal{reason}
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}
