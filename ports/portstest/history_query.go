package portstest

import (
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var historyQueryTests = []storeTest{
	{"filters by every field and by all together", historyFilters},
	{"pages without skipping or repeating an event", historyPages},
	{"returns every event to a reader that follows it during writes", historyFollow},
}

func historyFilters(f *farm) {
	users := f.addMany(2)
	for _, u := range users {
		for _, owner := range []string{"ann", "Ann", "ann "} {
			f.advance(instant)
			f.must(f.release(f.acquireAs(owner, named(u)).ID))
		}
	}
	all := f.historyOf(ports.EventQuery{})
	if len(all) != 14 {
		f.Fatalf("%d events, want 14", len(all))
	}
	for _, id := range []domain.UserID{{}, users[0].ID(), users[1].ID(), f.build().ID()} {
		for _, owner := range []string{"", "ann", "Ann", "ann ", "nobody"} {
			for _, since := range []time.Time{{}, all[0].At, all[5].At, all[5].At.Add(instant), all[13].At, all[13].At.Add(instant)} {
				for _, after := range []ports.EventID{0, all[0].ID, all[7].ID, all[13].ID} {
					var want []domain.Event
					for _, e := range all {
						if (id.IsZero() || e.UserID == id) && (owner == "" || e.Owner == owner) &&
							!e.At.Before(since) && e.ID > after {
							want = append(want, e.Event)
						}
					}
					f.wantHistory(ports.EventQuery{UserID: id, Owner: owner, Since: since, After: after}, want...)
				}
			}
		}
	}
}

func historyPages(f *farm) {
	users := f.addMany(2)
	for range 3 {
		f.must(f.release(f.acquireAs("ann", anyone, anyone).ID))
	}
	for _, q := range []ports.EventQuery{{}, {UserID: users[0].ID()}, {Owner: "ann"}, {Owner: "nobody"}} {
		all := f.historyOf(q)
		for limit := 1; limit <= len(all)+1; limit++ {
			f.wantPages(q, limit, all)
		}
	}
}

// wantPages fails the test unless the pages of q have these events, up to limit on each. It sets the limit of q.
func (f *farm) wantPages(q ports.EventQuery, limit int, want []ports.RecordedEvent) {
	f.Helper()
	q.Limit = limit
	var got []ports.RecordedEvent
	for more := true; more; {
		page, err := f.store.Events(f.Context(), q)
		f.must(err)
		if len(page.Events) > limit || page.Next != 0 && len(page.Events) < limit {
			f.Fatalf("a page of %d has %d events, and %d is next", limit, len(page.Events), page.Next)
		}
		if got = append(got, page.Events...); len(got) > len(want) {
			f.Fatalf("pages of %d have more than the %d events that there are", limit, len(want))
		}
		q.After, more = page.Next, page.Next != 0
	}
	if !sameEvents(got, want) {
		f.Fatalf("pages of %d have\n\t%+v, want\n\t%+v", limit, got, want)
	}
}

func historyFollow(f *farm) {
	const writers, rounds = 6, 10
	users := f.addMany(writers)
	done := make(chan []error, 1)
	go func() {
		done <- together(writers, func(i int) error {
			for range rounds {
				lease, err := f.tryAcquire(named(users[i]))
				if err != nil {
					return err
				}
				if err := f.release(lease.ID); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	seen := f.follow(done, ports.EventQuery{})
	if all := f.historyOf(ports.EventQuery{}); !sameEvents(seen, all) || len(all) != writers+2*writers*rounds {
		f.Fatalf("the reader got %d of %d events", len(seen), len(all))
	}
}

// follow reads the events that q matches, again and again, until what records them is done without an error.
func (f *farm) follow(done <-chan []error, q ports.EventQuery) (seen []ports.RecordedEvent) {
	f.Helper()
	for running := true; running; {
		select {
		case errs := <-done:
			f.must(errors.Join(errs...))
			running = false
		default:
		}
		if len(seen) > 0 {
			q.After = seen[len(seen)-1].ID
		}
		seen = append(seen, f.historyOf(q)...)
	}
	return seen
}
