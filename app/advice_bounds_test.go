package app_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// endlessHistory is a store whose history has always happened: as many claims that were served, or that gave up, as somebody reads.
type endlessHistory struct {
	ports.Store
	user        domain.View
	now         time.Time
	served      time.Duration // between two that were served; 0 if none was
	gaveUp      time.Duration // likewise
	ofOthers    bool          // those that gave up wanted users of another project
	onlyCursors bool          // pages have no events, but there are more
	pages, read map[domain.EventKind]int
}

func (s *endlessHistory) Events(_ context.Context, q ports.EventQuery) (page ports.EventPage, err error) {
	kind, every := domain.UserAcquired, s.served
	if slices.Contains(q.Kinds, domain.ClaimGaveUp) {
		kind, every = domain.ClaimGaveUp, s.gaveUp
	}
	s.pages[kind]++
	if every == 0 {
		return page, nil
	}
	if s.onlyCursors {
		page.Next = max(q.After, 1<<40) - 1
		return page, nil
	}
	from := ports.EventID(1 << 40)
	if q.After != 0 {
		from = q.After
	}
	want := []domain.Selector{{ProjectID: stage.ProjectID, Env: stage.Env, Domain: stage.Domain}}
	for len(page.Events) < q.Limit {
		from--
		at := s.now.Add(-time.Duration(1<<40-from) * every)
		if at.Before(q.Since) {
			return page, nil
		}
		if kind == domain.ClaimGaveUp && s.ofOthers {
			want = []domain.Selector{{ProjectID: foreignStage.ProjectID}}
		}
		e := domain.Event{At: at, Kind: kind, Pool: stage, Want: want}
		if kind == domain.UserAcquired {
			e.UserID, e.Fence = s.user.ID, uint64(from)
		}
		page.Events = append(page.Events, ports.RecordedEvent{ID: from, Event: e})
		s.read[kind]++
	}
	page.Next = from
	return page, nil
}

// overHistory asks for the advice of a year from such a store, in a bubble.
func overHistory(t *testing.T, h endlessHistory, test func(t *testing.T, h *endlessHistory, advice domain.Advice)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h.Store, h.pages, h.read = memory.New(), map[domain.EventKind]int{}, map[domain.EventKind]int{}
		farm := mustNew(&h, settings)
		user, err := farm.CreateUser(t.Context(), spec("ann"), noKey)
		if err != nil {
			t.Fatal(err)
		}
		h.user, h.now = user, time.Now()
		advice, err := farm.Advice(t.Context(), ports.AdviceQuery{Since: h.now.AddDate(-1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		test(t, &h, advice)
	})
}

func TestAdviceReadsOnlyTheNewestEventsOfALongHistory(t *testing.T) {
	overHistory(t, endlessHistory{served: time.Second, gaveUp: 10 * time.Second}, func(t *testing.T, h *endlessHistory, advice domain.Advice) {
		if h.read[domain.UserAcquired] > 200_000 || h.read[domain.ClaimGaveUp] > 20_000 {
			t.Errorf("%v events were read", h.read)
		}
		// Of eleven claims, one gave up.
		since := h.now.Add(-domain.MostAdvisedClaims * 10 / 11 * time.Second)
		if !advice.Cut || advice.Claims != domain.MostAdvisedClaims || advice.Since.Sub(since).Abs() > 10*time.Second {
			t.Errorf("%d claims since %v count, want those since %v", advice.Claims, advice.Since, since)
		}
		if w := advice.Wants[0]; w.Measured.GaveUp*11 < w.Claims-11 || w.Measured.GaveUp*11 > w.Claims+11 {
			t.Errorf("%d of %d claims gave up, want one of 11", w.Measured.GaveUp, w.Claims)
		}
	})
}

// Before the first of the claims that gave up and were read, it is not known who gave up.
func TestAdviceIsOfThePeriodOfWhichAllWasRead(t *testing.T) {
	history := endlessHistory{served: time.Hour, gaveUp: time.Second, ofOthers: true}
	overHistory(t, history, func(t *testing.T, h *endlessHistory, advice domain.Advice) {
		read := time.Duration(h.read[domain.ClaimGaveUp]) * time.Second
		if !advice.Cut || advice.Since.Before(h.now.Add(-read)) || advice.Claims != int(read/h.served) {
			t.Errorf("%d claims since %v count, but only what happened in %v was read", advice.Claims, advice.Since, read)
		}
	})
}

func TestAHistoryWithoutEndEndsForAdvice(t *testing.T) {
	overHistory(t, endlessHistory{served: 1, gaveUp: 1, onlyCursors: true}, func(t *testing.T, h *endlessHistory, advice domain.Advice) {
		if h.pages[domain.UserAcquired] > 200 || h.pages[domain.ClaimGaveUp] > 200 {
			t.Errorf("%v pages were read", h.pages)
		}
		if len(advice.Wants) > 0 || !advice.Cut || !advice.Since.Equal(advice.Until) {
			t.Errorf("the advice is %+v", advice)
		}
	})
}

func TestAShortHistoryIsReadWhole(t *testing.T) {
	overHistory(t, endlessHistory{served: 24 * time.Hour}, func(t *testing.T, h *endlessHistory, advice domain.Advice) {
		if advice.Cut || advice.Claims != 365 || !advice.Since.Equal(h.now.AddDate(-1, 0, 0)) || h.pages[domain.UserAcquired] != 1 {
			t.Errorf("%d claims since %v count, of %v pages", advice.Claims, advice.Since, h.pages)
		}
	})
}
