package bunstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// look finds out why claims of a transaction came short: it reads what is committed. What several claims ask is read once.
type look struct {
	store *Store
	tx    Transaction
	l     *ledger.Ledger
	seen  map[lookKey][]ledger.Row
}

// lookKey is what was looked for.
type lookKey struct {
	search string // the key of the selector
	needed int
}

func (s *Store) newLook(tx Transaction, l *ledger.Ledger) *look { return &look{store: s, tx: tx, l: l} }

// answerShort answers claims that came short in a group, by what is committed at one moment. The group does not wait for that. By then,
// the same call may have been carried out elsewhere, with the users that were missing.
func (s *Store) answerShort(tickets []*ticket) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	answers := make([]error, len(tickets))
	err := s.quick(ctx, func() error {
		return s.retry(ctx, func() (bool, error) {
			tx, l, _, err := s.begin(ctx, Ask{OneMoment: true})
			if err != nil {
				return false, err
			}
			defer tx.Rollback()
			var calls []ledger.CallKey
			for _, t := range tickets {
				calls = append(calls, callsOf(t.operation.(*ledger.Claim))...)
			}
			if err := loadCalls(ctx, tx, l, calls, false); err != nil {
				return false, err
			}
			look := s.newLook(tx, l)
			for i, t := range tickets {
				if !t.caller.isWaiting() {
					continue
				}
				if answers[i], err = look.explain(ctx, t.operation.(*ledger.Claim)); err != nil {
					return false, err
				}
			}
			return false, nil
		})
	})
	for i, t := range tickets {
		if t.caller.bind() {
			t.caller.answer(cmp.Or(err, answers[i]))
		}
	}
}

// explain returns why a claim came short, or the error of the database. The ledger must know the call of the claim. The answer is [ledger.ErrContended] if there are enough
// users, so that a rival must have held them.
func (k *look) explain(ctx context.Context, claim *ledger.Claim) (answer, err error) {
	if repeated := k.l.Repeated(claim.Once); repeated != nil {
		return refuse(repeated), nil
	}
	matching, err := k.matching(ctx, claim.Want)
	if err != nil {
		return nil, err
	}
	return refuse(cmp.Or(k.l.Explain(claim.Want, matching), ledger.ErrContended)), nil
}

// matching returns users that selectors match, as [ledger.Ledger.Refusal] needs them, without their secrets.
func (k *look) matching(ctx context.Context, want []domain.Selector) ([]ledger.Row, error) {
	var all []ledger.Row
	for _, selector := range distinct(want) {
		rows, err := k.matchingOne(ctx, selector, len(want))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (k *look) matchingOne(ctx context.Context, want domain.Selector, needed int) ([]ledger.Row, error) {
	if !findable(want) {
		return nil, nil
	}
	key := lookKey{search: ledger.SearchKey(want), needed: needed}
	if rows, seen := k.seen[key]; seen {
		return rows, nil
	}
	slack := k.store.unreadable.slack()
	found, err := k.tx.Look(ctx, want, max(needed, k.l.Limit(want))+slack, needed+slack)
	if err != nil {
		return nil, err
	}
	rows := make([]ledger.Row, len(found))
	for i, row := range found {
		rows[i] = k.store.openBare(row)
	}
	if k.seen == nil {
		k.seen = make(map[lookKey][]ledger.Row)
	}
	k.seen[key] = rows
	return rows, nil
}

// distinct returns the selectors that differ: what is the same is searched once.
func distinct(want []domain.Selector) []domain.Selector {
	var selectors []domain.Selector
	for _, selector := range want {
		if !slices.ContainsFunc(selectors, selector.Equal) {
			selectors = append(selectors, selector)
		}
	}
	return selectors
}
