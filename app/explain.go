package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/userfarm/userfarm/domain"
)

// Refusals of many failing tests must not slow down those that succeed. So refusals of the same selectors share an explanation,
// few are explained at one time, and one that can't be explained soon stays without an explanation.
const (
	explainAtOnce = 2
	explainWithin = 500 * time.Millisecond
)

// explanations are shared by all callers of a farm.
type explanations struct {
	flights singleflight.Group
	slots   chan struct{}
}

func newExplanations() *explanations { return &explanations{slots: make(chan struct{}, explainAtOnce)} }

// explain adds to a refusal what helps its caller: which users come closest to the selectors, or who holds the users and who else
// waits for them. It returns any other error as it is, and also a refusal if the store does not tell soon.
func (f *Farm) explain(ctx context.Context, want []domain.Selector, refusal error) error {
	unmatched, isUnmatched := errors.AsType[*domain.UnmatchedError](refusal)
	named, isNamed := errors.AsType[*domain.SelectorError](refusal)
	switch {
	case isUnmatched && errors.Is(refusal, domain.ErrNoMatch):
		explained := *unmatched
		closest, ok := explanation(ctx, f, "closest", want, unmatched.Selectors, f.closest)
		if !ok {
			return refusal
		}
		explained.Closest = closest
		return &explained
	case isUnmatched:
		explained := *unmatched
		occupancy, ok := explanation(ctx, f, "occupancy", want, unmatched.Selectors, f.occupancy)
		if !ok {
			return refusal
		}
		explained.Occupancy = &occupancy
		return &explained
	case isNamed && domain.MayPass(refusal):
		explained := *named
		occupancy, ok := explanation(ctx, f, "occupancy", want, []int{named.Selector}, f.occupancy)
		if !ok {
			return refusal
		}
		explained.Occupancy = &occupancy
		return &explained
	default:
		return refusal
	}
}

// explanation returns what find finds for the selectors with these indexes. ok is false if it does not find it soon.
func explanation[T any](
	ctx context.Context, f *Farm, name string, want []domain.Selector, selectors []int,
	find func(context.Context, []domain.Selector, []int) (T, error),
) (found T, ok bool) {
	bounded, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	key, err := json.Marshal([]any{name, f.caller.Scope, acquireRequest(want, domain.Terms{}), selectors})
	if err != nil {
		return found, false
	}
	flight := f.explanations.flights.DoChan(string(key), func() (_ any, err error) {
		defer catchPanic(&err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), explainWithin)
		defer cancel()
		select {
		case f.explanations.slots <- struct{}{}:
			defer func() { <-f.explanations.slots }()
			return find(ctx, want, selectors)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	select {
	case result := <-flight:
		panicAgain(result.Err)
		found, ok = result.Val.(T)
		return found, ok && result.Err == nil
	case <-bounded.Done():
		return found, false
	}
}
