package bunstore

import (
	"context"
	"errors"
)

// maxReturns is how often a claim that lacks rows which a rival keeps just now is put back, before it waits for them.
const maxReturns = 2

// operation is one call's part in a transaction. Its methods may be called again, for another attempt, so they keep
// nothing from one call to the next but what the last one set. Their errors are refusals, which touch no other operation,
// unless they say otherwise.
type operation interface {
	// size is how many users the operation may need.
	size() int

	// ask says what the transaction must find.
	ask(*Ask)

	// decide lets the domain decide about what was found.
	decide(*round) error

	// explain turns the error of decide, or nil, into the answer, once all have decided and before anything is written. It
	// may ask the database, and return its error.
	explain(context.Context, *round, error) error

	// confirm turns no error into the answer, once the transaction has committed.
	confirm(*round) error
}

// forthright is what most operations are, and the others embed for the rest: about one target, with an answer that is known
// when they have decided.
type forthright struct{}

func (forthright) size() int { return 1 }

func (forthright) explain(_ context.Context, _ *round, err error) error { return err }

func (forthright) confirm(*round) error { return nil }

// carry takes a group of operations through one transaction and settles each. Nobody is answered before the commit that
// carries what it was told, refusals included: they may rest on what others in the group were granted.
//
// If the database refuses what the group wrote, one operation is to blame: each then goes alone. If it is away, that is the
// answer to all.
func (s *Store) carry(group []*ticket) {
	answers, err := s.attempt(group)
	if err != nil && len(group) > 1 && s.blamesOne(err) {
		s.carryEach(group)
		return
	}
	var back []*ticket
	for i, t := range group {
		switch {
		case t.gone():
		case err != nil:
			t.settle(err)
		case errors.Is(answers[i], errContended) && t.returns < maxReturns:
			t.returns++
			back = append(back, t)
		default:
			t.settle(answers[i])
		}
	}
	s.queue.putBack(back)
}

// blamesOne reports whether an error is about what one operation of a group wrote: the database is not away.
func (s *Store) blamesOne(err error) bool {
	return errors.Is(err, ErrRemovedKey) || s.dialect.Cause(err) == Bug
}

// carryEach takes each operation through a transaction of its own, until the database is away.
func (s *Store) carryEach(group []*ticket) {
	var away error
	for i, t := range group {
		if t.gone() {
			continue
		}
		var answers []error
		err := away
		if err == nil {
			answers, err = s.attempt(group[i : i+1])
		}
		if err == nil {
			err = answers[0]
		} else if !s.blamesOne(err) {
			away = err
		}
		t.settle(err)
	}
}

// attempt returns the answer to each operation of the group, or the error of the database.
func (s *Store) attempt(group []*ticket) (answers []error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	err = s.retry(ctx, func() (committing bool, err error) {
		operations := make([]operation, len(group))
		for i, t := range group {
			operations[i] = t
		}
		answers, committing, err = s.transact(ctx, false, operations...)
		return committing, err
	})
	return answers, err
}

// alone carries one operation in a transaction of its own, which waits for rows that others keep. It returns the error of
// the operation or of the database.
//
// Those that wait are few at a time, so that they leave connections for the groups.
func (s *Store) alone(ctx context.Context, op operation) error {
	select {
	case s.loners <- struct{}{}:
		defer func() { <-s.loners }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.retry(ctx, func() (committing bool, err error) {
		answers, committing, err := s.transact(ctx, true, op)
		if err != nil {
			return committing, err
		}
		return false, answers[0]
	})
}

// transact takes operations through one transaction.
func (s *Store) transact(
	ctx context.Context, wait bool, operations ...operation,
) (answers []error, committing bool, err error) {
	ask := Ask{Wait: wait}
	for _, op := range operations {
		op.ask(&ask)
	}
	ask.limit(s.unreadable.slack())
	tx, found, err := s.engine.Begin(ctx, ask)
	if err != nil {
		return nil, false, err
	}
	defer tx.Rollback()

	r := s.newRound(tx, ask, found)
	answers = make([]error, len(operations))
	for i, op := range operations {
		answers[i] = op.decide(r)
	}
	for i, op := range operations {
		if answers[i] = op.explain(ctx, r, answers[i]); answers[i] != nil && !isRefusal(answers[i]) {
			return nil, false, answers[i]
		}
	}
	changes, err := r.changes()
	if err != nil {
		return nil, false, err
	}
	if committing, err := r.commit(ctx, changes); err != nil {
		return nil, committing, err
	}
	for i, op := range operations {
		if answers[i] == nil {
			answers[i] = op.confirm(r)
		}
	}
	return answers, false, nil
}

// ask implements operation, for as long as the caller is there.
func (t *ticket) ask(ask *Ask) {
	if !t.gone() {
		t.operation.ask(ask)
	}
}

// decide implements operation. A panic goes on where the operation was called, and leaves the others alone.
func (t *ticket) decide(r *round) (err error) {
	if !t.enter() {
		return refuse(context.Canceled)
	}
	defer func() {
		if t.panicked = recover(); t.panicked != nil {
			err = refuse(errPanicked)
		}
	}()
	return t.operation.decide(r)
}

var errPanicked = errors.New("panicked")
