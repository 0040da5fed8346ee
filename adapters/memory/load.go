package memory

import (
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// load returns what a ledger needs.
func (s *Store) load(now time.Time, needs ledger.Needs) ledger.Loaded {
	loaded := ledger.Loaded{Now: now, Complete: true}
	for _, id := range needs.Users {
		if u, found := s.users.get(id); found {
			loaded.Users = append(loaded.Users, ledger.RowOf(u))
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
		isFree := func(u *domain.User) bool { return u.CheckFree(now) == nil }
		searches[i].Found = rowsOf(s.users.mostRested(search.Want, search.Key, search.Limit, isFree))
	}
	return searches
}

// committed returns what [ledger.Ledger.Refusal] needs for a claim, of a ledger that has given nothing away.
func (s *Store) committed(want []domain.Selector) []ledger.Row {
	var rows []ledger.Row
	for _, selector := range want {
		// The free ones come first in the order of rest.
		inAnyState := func(*domain.User) bool { return true }
		rows = append(rows, rowsOf(s.users.mostRested(selector, ledger.SearchKey(selector), len(want), inAnyState))...)
	}
	return rows
}

// rowsOf returns the rows of users, which the ledger leaves as they are.
func rowsOf(users []*domain.User) []ledger.Row {
	rows := make([]ledger.Row, len(users))
	for i, u := range users {
		rows[i] = ledger.RowOf(u)
	}
	return rows
}
