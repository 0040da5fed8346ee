package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// Advice costs seconds of computing, and reads much of the history. So callers that ask the same share an answer, which is kept for
// a while, and one answer is made at a time.
const (
	adviceAge    = time.Minute
	adviceWithin = time.Minute
	advicePeriod = 24 * time.Hour
	mostAdvices  = 100 // that are kept

	mostAdviceEvents = 200_000
	mostAdvicePages  = 200 // a store may return a page without events
	adviceEventsPage = 5_000
)

// advices are shared by all callers of a farm.
type advices struct {
	flights singleflight.Group
	slot    chan struct{}

	mu   sync.Mutex
	kept map[string]keptAdvice
}

type keptAdvice struct {
	at     time.Time // by the process clock
	advice domain.Advice
}

func newAdvices() *advices {
	return &advices{slot: make(chan struct{}, 1), kept: make(map[string]keptAdvice)}
}

// Advice implements [ports.Pools].
func (f *Farm) Advice(ctx context.Context, q ports.AdviceQuery) (domain.Advice, error) {
	if err := f.checkProject(q.ProjectID); err != nil {
		return domain.Advice{}, err
	}
	q.Target = cmp.Or(q.Target, domain.DefaultTarget)
	if q.Target < time.Second || q.Target > domain.LongestTarget {
		return domain.Advice{}, domain.Invalid("/target_seconds", domain.TargetRule)
	}
	q.Since = q.Since.Truncate(time.Minute) // callers that say "an hour ago" share an answer
	key := fmt.Sprintf("%q %v %d %d %s", []string{q.Env, q.Domain}, f.caller.Scope, q.Since.Unix(), q.Target, q.ProjectID)
	if kept, ok := f.advices.get(key); ok {
		return kept, nil
	}
	flight := f.advices.flights.DoChan(key, func() (_ any, err error) {
		defer catchPanic(&err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adviceWithin)
		defer cancel()
		select {
		case f.advices.slot <- struct{}{}:
			defer func() { <-f.advices.slot }()
		case <-ctx.Done():
			return nil, fmt.Errorf("other advice takes too long: %w", ports.ErrUnavailable)
		}
		advice, err := f.makeAdvice(ctx, q)
		if err != nil {
			return nil, err
		}
		f.advices.keep(key, advice)
		return advice, nil
	})
	select {
	case done := <-flight:
		panicAgain(done.Err)
		advice, _ := done.Val.(domain.Advice)
		return advice, done.Err
	case <-ctx.Done():
		return domain.Advice{}, ctx.Err()
	}
}

func (a *advices) get(key string) (domain.Advice, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept, ok := a.kept[key]
	return kept.advice, ok && time.Since(kept.at) < adviceAge
}

func (a *advices) keep(key string, advice domain.Advice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for other, kept := range a.kept {
		if time.Since(kept.at) >= adviceAge || len(a.kept) >= mostAdvices {
			delete(a.kept, other)
		}
	}
	a.kept[key] = keptAdvice{time.Now(), advice}
}

// makeAdvice reads what happened and which users there are, and advises about it.
func (f *Farm) makeAdvice(ctx context.Context, q ports.AdviceQuery) (domain.Advice, error) {
	scope := f.caller.Scope
	stocks, now, err := f.store.CountAlike(ctx, domain.Selector{ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain}.In(scope))
	if err != nil {
		return domain.Advice{}, err
	}
	if q.Since.IsZero() {
		q.Since = now.Add(-advicePeriod)
	}
	advice := domain.Advice{Since: q.Since, Until: now, Target: q.Target}
	events, cut, err := f.eventsOfDemand(ctx, q)
	if err != nil {
		return domain.Advice{}, err
	}
	pools := make([]domain.Pool, len(stocks))
	users := make(map[domain.Pool][]domain.Alike, len(stocks))
	for i, stock := range stocks {
		pools[i], users[stock.Pool] = stock.Pool, stock.Users
	}
	names, err := f.store.ProjectNames(ctx, scope)
	if err != nil {
		return domain.Advice{}, err
	}
	demands, many := domain.NewestClaims(domain.DemandsOf(events, pools, now), domain.MostAdvisedClaims)
	if advice.Cut = cut || many; advice.Cut {
		advice.Since = now
	}
	for _, d := range demands {
		advice.Claims += len(d.Claims)
		if first := d.Claims[0].Came; advice.Cut && first.Before(advice.Since) {
			advice.Since = first
		}
		for _, want := range domain.Advise(d, users[d.Pool], q.Target) {
			at := slices.IndexFunc(names, func(p domain.Project) bool { return p.ID == d.Pool.ProjectID })
			if at >= 0 {
				want.Project = names[at].Name
			}
			advice.Wants = append(advice.Wants, want)
		}
	}
	return advice, nil
}

// eventsOfDemand returns the newest events of a period that tell of the demand for pools, in their order. cut reports that there are
// more. A claim that gave up may have left its pool open, so it is not found by the pool.
func (f *Farm) eventsOfDemand(ctx context.Context, q ports.AdviceQuery) (events []domain.Event, cut bool, err error) {
	kinds := slices.DeleteFunc(domain.DemandKinds(), func(k domain.EventKind) bool { return k == domain.ClaimGaveUp })
	served, cutServed, err := f.newestEvents(ctx, ports.EventQuery{
		Scope: f.caller.Scope, ProjectID: q.ProjectID, Env: q.Env, Domain: q.Domain, Since: q.Since, Kinds: kinds,
	})
	if err != nil {
		return nil, false, err
	}
	since := q.Since
	if cutServed && len(served) > 0 {
		since = served[0].At // before that, it is not known who was served
	}
	gaveUp, cutGaveUp, err := f.newestEvents(ctx, ports.EventQuery{Since: since, Kinds: []domain.EventKind{domain.ClaimGaveUp}})
	if err != nil {
		return nil, false, err
	}
	if cutGaveUp && len(gaveUp) > 0 {
		since = gaveUp[0].At // and before that, who gave up
		served = slices.DeleteFunc(served, func(e ports.RecordedEvent) bool { return e.At.Before(since) })
	}
	all := slices.Concat(served, gaveUp)
	slices.SortFunc(all, func(a, b ports.RecordedEvent) int { return cmp.Compare(a.ID, b.ID) })
	events = make([]domain.Event, len(all))
	for i, e := range all {
		events[i] = e.Event
	}
	return events, cutServed || cutGaveUp, nil
}

// newestEvents returns the newest events that match q, in their order, as far as they are not too many.
func (f *Farm) newestEvents(ctx context.Context, q ports.EventQuery) (events []ports.RecordedEvent, cut bool, err error) {
	q.NewestFirst, q.Limit = true, adviceEventsPage
	for range mostAdvicePages {
		page, err := f.store.Events(ctx, q)
		if err != nil {
			return nil, false, err
		}
		events = append(events, page.Events...)
		if cut = page.Next != 0; !cut || len(events) >= mostAdviceEvents {
			break
		}
		q.After = page.Next
	}
	slices.Reverse(events)
	return events, cut, nil
}
