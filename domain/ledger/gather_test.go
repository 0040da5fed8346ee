package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// farm has users and a line. Users that come free go to the line as [domain.Serve] says.
type lineFarm struct {
	users []*domain.User
	line  []ledger.Waiter
}

// free returns the users that are free, but for those that a test holds back.
func (f *lineFarm) free(held map[domain.UserID]bool) []*domain.User {
	return slices.DeleteFunc(slices.Clone(f.users), func(u *domain.User) bool { return held[u.ID()] })
}

func wantsOf(line []ledger.Waiter) (wants [][]domain.Selector) {
	for _, w := range line {
		wants = append(wants, w.Want)
	}
	return wants
}

// The claims that have to do with a user that came free get what they would get if the whole line was served.
func TestWhatIsGatheredIsServedAsTheWholeLineWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &lineFarm{}
		for i := range rapid.IntRange(1, 16).Draw(t, "users") {
			f.users = append(f.users, domain.Restore(drawUser(t, byte(i))))
		}
		held := make(map[domain.UserID]bool) // all of them at first
		for i, u := range f.users {
			f.users[i] = freed(u)
			held[u.ID()] = true
		}
		wants := ledger.NewWants()
		for i := range rapid.IntRange(1, 24).Draw(t, "claims") {
			w := ledger.Waiter{Place: ledger.Place(i + 1), Want: rapid.SliceOfN(rapid.Custom(drawSelector), 1, 3).Draw(t, fmt.Sprint("want ", i))}
			f.line = append(f.line, w)
			wants.Put(w)
		}
		for range rapid.IntRange(1, 24).Draw(t, "steps") {
			var coming []*domain.User
			for _, u := range rapid.SliceOfN(rapid.SampledFrom(f.users), 1, 3).Draw(t, "come free") {
				if held[u.ID()] {
					held[u.ID()] = false
					coming = append(coming, u)
				}
			}
			want := make(map[ledger.Place][]domain.UserID)
			for i, users := range domain.Serve(wantsOf(f.line), f.free(held)) {
				if users != nil {
					want[f.line[i].Place] = idsOf(users)
				}
			}
			l := ledger.Open(ledger.Loaded{Now: now})
			g := ledger.Gathering{
				First: func(users []*domain.User, limit int) []ledger.Waiter {
					return wants.First(users, limit, func(ledger.Waiter) bool { return true })
				},
				Look: func(searches []ledger.Search) error {
					for i, search := range searches {
						for _, u := range domain.MostRested(f.free(held)) {
							if search.Want.Matches(u) && len(searches[i].Found) < search.Limit {
								searches[i].Found = append(searches[i].Found, ledger.RowOf(u))
							}
						}
					}
					l.Load(ledger.Loaded{Searches: searches})
					return nil
				},
			}
			line, err := g.Gather(l, coming, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[ledger.Place][]domain.UserID)
			for i, users := range l.Turns(line) {
				if users != nil {
					got[line[i].Place] = idsOf(users)
				}
			}
			if !maps.EqualFunc(got, want, slices.Equal[[]domain.UserID]) {
				t.Fatalf("of those gathered, %v are served; of the whole line, %v", got, want)
			}
			for place := range want {
				for _, id := range got[place] {
					held[id] = true
				}
				wants.Drop(place)
				f.line = slices.DeleteFunc(f.line, func(w ledger.Waiter) bool { return w.Place == place })
			}
		}
	})
}

func idsOf(users []*domain.User) (ids []domain.UserID) {
	for _, u := range users {
		ids = append(ids, u.ID())
	}
	return ids
}

// freed returns the user without a lock and without a quarantine.
func freed(u *domain.User) *domain.User {
	s := u.Snapshot()
	s.Lock, s.Quarantine, s.ReleasedAt = nil, nil, time.Time{}
	return domain.Restore(s)
}

// The index finds the same claims as a search through all.
func TestTheIndexOfTheLineFindsWhatALookAtEachClaimFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wants := ledger.NewWants()
		claims := make(map[ledger.Place]ledger.Waiter)
		for i := range rapid.IntRange(0, 30).Draw(t, "changes") {
			place := ledger.Place(rapid.IntRange(1, 12).Draw(t, "place"))
			if rapid.Bool().Draw(t, "leaves") {
				wants.Drop(place)
				delete(claims, place)
				continue
			}
			w := ledger.Waiter{Place: place, Want: rapid.SliceOfN(rapid.Custom(drawAnySelector), 1, 3).Draw(t, fmt.Sprint("want ", i))}
			wants.Put(w)
			claims[place] = w
		}
		away := ledger.Place(rapid.IntRange(1, 12).Draw(t, "away"))
		inLine := func(w ledger.Waiter) bool { return w.Place != away }
		u := domain.Restore(drawUser(t, 1))
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		var want []ledger.Place
		for place := ledger.Place(1); place <= 12; place++ {
			w, known := claims[place]
			if known && inLine(w) && domain.AwaitsAny(w.Want, []*domain.User{u}) {
				want = append(want, place)
			}
		}
		var got []ledger.Place
		for _, w := range wants.First([]*domain.User{u}, limit, inLine) {
			got = append(got, w.Place)
		}
		if !slices.Equal(got[:min(limit, len(got))], want[:min(limit, len(want))]) {
			t.Errorf("the first %d of the line are %v, want %v", limit, got, want)
		}
		if wants.Wanted(u, inLine) != (len(want) > 0) {
			t.Errorf("wanted = %v, but these claims want the user: %v", wants.Wanted(u, inLine), want)
		}
		named := map[domain.UserID]*domain.User{u.ID(): u}
		other := rapid.SliceOfN(rapid.Custom(drawAnySelector), 1, 3).Draw(t, "other")
		competing := 0
		for _, w := range claims {
			if domain.CompeteOn(w.Want, other, named) {
				competing++
			}
		}
		find := func(id domain.UserID) (*domain.User, bool) { return named[id], named[id] != nil }
		if n := wants.Competing(other, find); n != competing {
			t.Errorf("%d claims compete with one of %+v, want %d", n, other, competing)
		}
		if wants.Len() != len(claims) {
			t.Errorf("%d claims are in the index, want %d", wants.Len(), len(claims))
		}
	})
}

// drawAnySelector draws a selector that may be of another pool, or limited to projects.
func drawAnySelector(t *rapid.T) domain.Selector {
	s := drawSelector(t)
	if s.UserID.IsZero() {
		s.ProjectID = rapid.SampledFrom([]domain.ProjectID{{}, pool.ProjectID, {9}}).Draw(t, "project")
		s.Env = rapid.SampledFrom([]string{"", pool.Env, "nowhere"}).Draw(t, "env")
		s.Domain = rapid.SampledFrom([]string{"", pool.Domain}).Draw(t, "domain")
	}
	return s.In(rapid.SampledFrom([]domain.Scope{{}, domain.Only(pool.ProjectID), domain.Only(domain.ProjectID{9})}).Draw(t, "scope"))
}
