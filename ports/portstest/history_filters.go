package portstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var historyFilterTests = []storeTest{
	{"filters by kind, login and pool, and by all of them together, in both orders", historyPoolFilters},
	{"finds the events of a login in any spelling, also those of users that were removed", historyLogins},
	{"finds no event for a text that no event has", historyUnstorable},
	{"pages newest first without skipping or repeating an event", historyNewestPages},
	{"pages newest first through the events that were there at the start, during writes", historyNewestWhileWriting},
	{"returns every event of a login to a reader that follows it while users come and go", historyFollowLogin},
}

// makeFilteredHistory makes events of users with the same logins in several pools, some of which are removed.
func (f *farm) makeFilteredHistory() (all []ports.RecordedEvent) {
	f.Helper()
	for _, pool := range []domain.Pool{
		{ProjectID: projectA, Env: "staging", Domain: "shop"}, {ProjectID: projectA, Env: "staging", Domain: "blog"},
		{ProjectID: projectA, Env: "prod", Domain: "shop"}, {ProjectID: projectB, Env: "staging", Domain: "shop"},
	} {
		for _, login := range []string{"ann", "bob"} {
			u := f.add(withLogin(login+" of "+pool.Domain), in(pool))
			f.must(f.release(f.acquireAs(login, named(u)).ID))
			f.change(u, domain.Change{Labels: &domain.Labels{"role": "admin"}})
			f.advance(time.Second)
			if login == "bob" && pool.Domain == "shop" {
				f.must(f.remove(u.ID()))
			}
		}
	}
	return f.historyOf(ports.EventQuery{})
}

// matching returns the events that match q, in its order.
func matching(all []ports.RecordedEvent, q ports.EventQuery) (found []ports.RecordedEvent) {
	for _, e := range all {
		if (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
			(q.Login == "" || strings.EqualFold(q.Login, e.Login)) &&
			(q.ProjectID.IsZero() || q.ProjectID == e.Pool.ProjectID) &&
			(q.Env == "" || q.Env == e.Pool.Env) && (q.Domain == "" || q.Domain == e.Pool.Domain) &&
			(q.Owner == "" || q.Owner == e.Owner) && (q.UserID.IsZero() || q.UserID == e.UserID) &&
			(!q.WithoutKeys || e.About.IsZero()) && q.Scope.Has(e.Pool.ProjectID) && !e.At.Before(q.Since) &&
			(q.After == 0 || q.NewestFirst && e.ID < q.After || !q.NewestFirst && e.ID > q.After) {
			found = append(found, e)
		}
	}
	if q.NewestFirst {
		slices.Reverse(found)
	}
	return found
}

// wantMatching fails the test unless the store finds the events that match q, in its order.
func (f *farm) wantMatching(all []ports.RecordedEvent, q ports.EventQuery) {
	f.Helper()
	if got, want := f.historyOf(q), matching(all, q); !sameEvents(got, want) {
		f.Fatalf("the events for %+v are\n\t%+v, want\n\t%+v", q, got, want)
	}
}

func historyPoolFilters(f *farm) {
	all := f.makeFilteredHistory()
	middle := all[len(all)/2]
	for _, kinds := range [][]domain.EventKind{
		nil, {domain.UserChanged}, {domain.UserAcquired, domain.UserRemoved}, {domain.UserCreated, domain.UserRemoved}, {domain.UserForced}, {"unknown"},
	} {
		for _, login := range []string{"", "BOB of shop", "ann of blog", "nobody"} {
			for _, pool := range []domain.Pool{
				{}, {ProjectID: projectA}, {Env: "staging"}, {Domain: "shop"}, {ProjectID: projectB, Env: "staging", Domain: "shop"}, {Env: "stag"},
			} {
				for _, after := range []ports.EventID{0, middle.ID} {
					for _, newestFirst := range []bool{false, true} {
						f.wantMatching(all, ports.EventQuery{
							Kinds: kinds, Login: login, ProjectID: pool.ProjectID, Env: pool.Env, Domain: pool.Domain,
							After: after, NewestFirst: newestFirst,
						})
					}
				}
			}
		}
	}
	for _, q := range []ports.EventQuery{
		{Owner: "ann"}, {UserID: middle.UserID}, {Since: middle.At}, {Scope: domain.Only(projectB)}, {Scope: domain.Only(projectA, projectB)},
	} {
		q.NewestFirst = true
		f.wantMatching(all, q)
		q.Kinds, q.Env = []domain.EventKind{domain.UserReleased, domain.UserChanged}, "staging"
		f.wantMatching(all, q)
		q.Login = "bob of shop"
		f.wantMatching(all, q)
	}
}

func historyLogins(f *farm) {
	for i, logins := range sameLogins {
		var want []domain.UserID
		for _, login := range logins { // one after the other: each is the same account
			u := f.add(withLogin(login))
			want = append(want, u.ID(), u.ID())
			f.must(f.remove(u.ID()))
		}
		u := f.add(withLogin(logins[0]))
		want = append(want, u.ID())
		other := f.add(withLogin(logins[0]), in(domain.Pool{ProjectID: projectB, Env: "staging", Domain: "shop"}))
		want = append(want, other.ID())
		f.add(withLogin(fmt.Sprint("another account ", i)))
		for _, login := range logins {
			var got []domain.UserID
			for _, e := range f.historyOf(ports.EventQuery{Login: login}) {
				got = append(got, e.UserID)
			}
			f.wantIDs("events of "+login, got, want)
		}
	}
}

func historyUnstorable(f *farm) {
	f.add()
	for _, text := range []string{"\x00", "\xff", "'; DROP TABLE events; --"} {
		for _, q := range []ports.EventQuery{
			{Login: text}, {Env: text}, {Domain: text}, {Owner: text}, {Kinds: []domain.EventKind{domain.EventKind("'" + "--")}},
		} {
			f.wantHistory(q)
		}
	}
}

func historyNewestPages(f *farm) {
	all := f.makeFilteredHistory()
	for _, q := range []ports.EventQuery{
		{}, {Login: "ANN of shop"}, {Login: "bob of shop", Env: "staging"}, {Env: "staging"}, {ProjectID: projectA, Domain: "shop"},
		{Kinds: []domain.EventKind{domain.UserChanged}}, {Kinds: []domain.EventKind{domain.UserAcquired, domain.UserRemoved}}, {Owner: "ann"},
	} {
		for _, newestFirst := range []bool{true, false} {
			q.NewestFirst = newestFirst
			want := matching(all, q)
			for limit := 1; limit <= len(want)+1; limit++ {
				f.wantPages(q, limit, want)
			}
		}
	}
}

func historyNewestWhileWriting(f *farm) {
	users := f.addMany(20)
	stop := f.keepBusy(users)
	for range 5 {
		var got []ports.RecordedEvent
		q := ports.EventQuery{NewestFirst: true, Limit: 7}
		for more := true; more; {
			page, err := f.store.Events(f.Context(), q)
			f.must(err)
			got = append(got, page.Events...)
			q.After, more = page.Next, page.Next != 0
		}
		slices.Reverse(got)
		all := f.historyOf(ports.EventQuery{})
		if len(got) == 0 || len(all) < len(got) || !sameEvents(got, all[:len(got)]) {
			f.Fatalf("newest first, %d events were returned that are not the first ones of the history", len(got))
		}
	}
	stop()
}

// keepBusy acquires and releases each user three times while the test goes on. The returned function waits for the end of it.
func (f *farm) keepBusy(users []*domain.User) (stop func()) {
	done := make(chan []error, 1)
	go func() {
		done <- together(4, func(i int) error {
			for n, u := range slices.Concat(users, users, users) {
				if n%4 != i {
					continue
				}
				lease, err := f.tryAcquire(named(u))
				if errors.Is(err, domain.ErrPoolExhausted) || errors.Is(err, domain.ErrUserLocked) {
					continue // another one has the user
				}
				if err == nil {
					err = f.release(lease.ID)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	return func() { f.must(errors.Join(<-done...)) }
}

func historyFollowLogin(f *farm) {
	const rounds = 15
	pools := []domain.Pool{{ProjectID: projectA, Env: "a", Domain: "d"}, {ProjectID: projectB, Env: "b", Domain: "d"}}
	built := make([][]*domain.User, len(pools))
	for i, pool := range pools {
		for range rounds {
			built[i] = append(built[i], f.build(withLogin("ann"), in(pool)))
		}
	}
	done := make(chan []error, 1)
	go func() {
		done <- together(len(pools), func(i int) error {
			for _, u := range built[i] {
				if err := f.store.Add(f.Context(), domain.Once{}, u); err != nil {
					return err
				}
				if err := f.remove(u.ID()); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	seen := f.follow(done, ports.EventQuery{Login: "Ann"})
	if all := f.historyOf(ports.EventQuery{}); !sameEvents(seen, all) || len(all) != 2*rounds*len(pools) {
		f.Fatalf("the reader got %d of %d events", len(seen), len(all))
	}
}
