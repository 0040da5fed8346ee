package bunstore

import (
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

// explain returns why a claim came short, or the error of the database. A claim with different selectors stays unexplained in
// a group: each search sees another moment, and none of them may be a reason to refuse.
func (k *look) explain(ctx context.Context, claim *ledger.Claim) error {
	if len(distinct(claim.Want)) > 1 {
		return refuse(ledger.ErrShort)
	}
	matching, err := k.matching(ctx, claim.Want)
	if err != nil {
		return err
	}
	if err := k.l.Explain(claim.Want, matching); err != nil {
		return refuse(err)
	}
	return refuse(ledger.ErrContended)
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
