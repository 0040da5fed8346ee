package bunstore

import (
	"context"
	"errors"

	"github.com/userfarm/userfarm/domain/ledger"
)

// runGroup takes a group of operations through one transaction and answers each caller. No caller is answered before the
// commit that carries its answer, refusals included: they may depend on what others in the group were granted.
//
// If the database refuses what the group wrote, one operation is to blame, so each is tried alone. If the database is away,
// that is the answer to all.
func (s *Store) runGroup(group []*ticket) {
	answers, err := s.attempt(group)
	if err != nil && len(group) > 1 && s.blamesOne(err) {
		s.runEach(group)
		return
	}
	var back, short []*ticket
	for i, t := range group {
		switch {
		case t.caller.hasLeft():
		case err != nil:
			t.caller.answer(err)
		case isContended(answers[i]) && t.returns < maxReturns:
			t.returns++
			back = append(back, t)
		case errors.Is(answers[i], ledger.ErrShort):
			t.caller.free() // nothing was decided: the caller may leave
			short = append(short, t)
		default:
			t.caller.answer(answers[i])
		}
	}
	if len(back) > 0 {
		s.queue.putBack(back)
	}
	if len(short) > 0 {
		go s.answerShort(short)
	}
}

// blamesOne reports whether an error is about what one operation of a group wrote: the database is not away.
func (s *Store) blamesOne(err error) bool {
	return isRefusal(err) || errors.Is(err, ErrRemovedKey) || s.isBug(err)
}

// runEach takes each operation through a transaction of its own, until the database is away.
func (s *Store) runEach(group []*ticket) {
	var away error
	for i, t := range group {
		if t.caller.hasLeft() {
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
		if errors.Is(err, ledger.ErrShort) {
			t.caller.free()
			go s.answerShort(group[i : i+1])
			continue
		}
		t.caller.answer(err)
	}
}

// attempt returns the answer to each operation of a group, or the error of the database.
func (s *Store) attempt(group []*ticket) (answers []error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	err = s.retry(ctx, func() (committing bool, err error) {
		answers, committing, err = s.transact(ctx, false, group)
		return committing, err
	})
	return answers, err
}

// transact takes operations through one transaction: it loads what they need, lets the ledger apply them, and writes what the
// ledger says. With wait, it waits for rows that a rival holds. committing says that an error came so late that the
// transaction may have committed.
func (s *Store) transact(ctx context.Context, wait bool, group []*ticket) (answers []error, committing bool, err error) {
	operations := make([]ledger.Operation, 0, len(group))
	var of served
	for _, t := range group {
		if !t.caller.hasLeft() {
			operations = append(operations, t.operation)
			of.add(t.span)
		}
	}
	if len(operations) == 0 {
		return make([]error, len(group)), false, nil
	}
	ask := Ask{Needs: ledger.NeedsOf(s.unreadable.slack(), operations...), Wait: wait}
	tx, l, _, err := s.begin(ctx, ask)
	if err != nil {
		return nil, false, err
	}
	defer tx.Rollback()

	answers = make([]error, len(group))
	for i, t := range group {
		answers[i] = refuse(t.caller.apply(func() error { return l.Apply(t.operation) }))
	}
	added, committing, err := s.commit(ctx, tx, l.Changes(), of, false)
	if err != nil {
		return nil, committing, err
	}
	for i, t := range group {
		if answers[i] == nil {
			answers[i] = refuse(l.Confirm(t.operation, added))
		}
	}
	return answers, false, nil
}
