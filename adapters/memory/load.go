package memory

import (
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// load returns what a ledger needs.
func (s *Store) load(now time.Time, needs ledger.Needs) ledger.Loaded {
	loaded := ledger.Loaded{Now: now, Complete: true}
	for _, id := range needs.Users {
		if at, found := s.search(id); found {
			loaded.Users = append(loaded.Users, ledger.RowOf(s.users[at]))
		}
	}
	for _, lease := range needs.Leases {
		loaded.Users = append(loaded.Users, rowsOf(s.under(lease))...)
	}
	loaded.Searches = s.searchFree(now, needs.Searches)
	if needs.Expired > 0 {
		loaded.Expired, loaded.NextExpiry = s.expired(now)
	}
	loaded.Calls = s.carriedOut(now, needs.Calls)
	return loaded
}

// searchFree returns the searches with what they found.
func (s *Store) searchFree(now time.Time, searches []ledger.Search) []ledger.Search {
	for i, search := range searches {
		free := s.matching(search.Want, func(u *domain.User) bool { return u.CheckFree(now) == nil })
		searches[i].Found = rowsOf(first(domain.MostRested(free), search.Limit))
	}
	return searches
}

// matching returns the users that a selector matches and that are eligible.
func (s *Store) matching(want domain.Selector, eligible func(*domain.User) bool) []*domain.User {
	var users []*domain.User
	for _, u := range s.users {
		if want.Matches(u) && eligible(u) {
			users = append(users, u)
		}
	}
	return users
}

// committed returns what [ledger.Ledger.Refusal] needs for a claim, of a ledger that has given nothing away.
func (s *Store) committed(now time.Time, want []domain.Selector) []ledger.Row {
	var rows []ledger.Row
	for _, selector := range want {
		all := s.matching(selector, func(*domain.User) bool { return true })
		free := slices.DeleteFunc(slices.Clone(all), func(u *domain.User) bool { return u.CheckFree(now) != nil })
		rows = append(rows, rowsOf(append(first(free, len(want)), first(all, len(want))...))...)
	}
	return rows
}

func first(users []*domain.User, n int) []*domain.User { return users[:min(len(users), n)] }

// rowsOf returns the rows of users, which the ledger leaves as they are.
func rowsOf(users []*domain.User) []ledger.Row {
	rows := make([]ledger.Row, len(users))
	for i, u := range users {
		rows[i] = ledger.RowOf(u)
	}
	return rows
}
