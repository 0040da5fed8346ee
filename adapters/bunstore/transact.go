package bunstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// begin begins a transaction and opens a ledger of what it found.
func (s *Store) begin(ctx context.Context, ask Ask) (Transaction, *ledger.Ledger, Found, error) {
	ask.Searches = slices.DeleteFunc(ask.Searches, func(search ledger.Search) bool { return !findable(search.Want) })
	line := ask.Turn || ask.Line
	if line {
		ask.Since = s.mirror.since()
	}
	began := time.Now()
	tx, found, err := s.engine.Begin(ctx, ask)
	if err != nil {
		return nil, nil, Found{}, err
	}
	if line {
		s.mirror.see(found.Line, began)
	}
	return tx, ledger.Open(ledger.Loaded{
		Now: instant(found.Now), Complete: ask.Wait,
		Users: s.open(found.Targets), Searches: s.openFound(ask.Searches, found.Free),
		Expired: s.open(found.Expired), NextExpiry: instant(found.NextExpiry),
		Calls: found.Calls, Busy: found.Busy,
		Wanted: func(u *domain.User) bool { return s.mirror.wanted(instant(found.Now), u) },
	}), found, nil
}

// search finds and holds more free users.
func (s *Store) search(ctx context.Context, tx Transaction, l *ledger.Ledger, searches []ledger.Search) error {
	searches = slices.DeleteFunc(searches, func(search ledger.Search) bool { return !findable(search.Want) })
	if len(searches) == 0 {
		return nil
	}
	for i := range searches {
		searches[i].Limit = min(searches[i].Limit, maxGroup)
	}
	found, now, err := tx.Search(ctx, searches)
	if err != nil {
		return err
	}
	l.Load(ledger.Loaded{Now: instant(now), Searches: s.openFound(searches, found)})
	return nil
}

func (s *Store) openFound(searches []ledger.Search, found [][]Row) []ledger.Search {
	for i, rows := range found {
		searches[i].Found = s.open(rows)
	}
	return searches
}

// open returns the users of rows, and notes which of them can't be read.
func (s *Store) open(rows []Row) []ledger.Row {
	opened := make([]ledger.Row, len(rows))
	for i, row := range rows {
		u, err := s.restore(row)
		opened[i] = ledger.Row{ID: row.UserID, User: u, Err: err}
		if err != nil {
			opened[i].User, _ = row.restoreBare()
			opened[i].Repairable = !errors.Is(err, ports.ErrUnknownKey)
		}
		s.unreadable.note(row.UserID, err)
	}
	return opened
}

// openBare returns the user of a row without its secrets.
func (s *Store) openBare(row Row) ledger.Row {
	u, err := row.restoreBare()
	if err == nil && s.unreadable.has(row.UserID) {
		err = ports.ErrUnsealable
	}
	return ledger.Row{ID: row.UserID, User: u, Err: err}
}

// commit writes what the ledger says, if there is anything to write. With always, it commits a transaction that writes nothing
// else, too. It returns which users were added. An error that is a refusal is about what is to be written.
func (s *Store) commit(
	ctx context.Context, tx Transaction, changes ledger.Changes, of served, always bool,
) (added map[domain.UserID]bool, committing bool, err error) {
	rows, err := s.rowsOf(changes)
	if err != nil {
		return nil, false, err
	}
	return s.write(ctx, tx, rows, of, always)
}

// write is commit for rows.
func (s *Store) write(
	ctx context.Context, tx Transaction, rows Changes, of served, always bool,
) (added map[domain.UserID]bool, committing bool, err error) {
	changes := rows.Changes
	nothing := len(rows.Moved)+len(rows.Accounts)+len(rows.Sessions)+len(rows.Leases)+len(rows.Removed)+len(rows.Rows)+
		len(rows.Events)+len(rows.Calls)+len(rows.Waiters)+len(rows.Left)+len(rows.Aside) == 0
	if nothing && !always {
		return nil, false, nil
	}
	if len(changes.Gone) > 0 {
		rows.Tell = append(rows.Tell, tell(tellGone, changes.Gone))
	}
	if _, elsewhere := s.mirror.wantedBy(s.line.replica, changes.Now, changes.Freed); len(elsewhere) > 0 {
		rows.Tell = append(rows.Tell, tell(tellFreed, elsewhere))
	}
	s.mirror.put(rows.Waiters)
	began, end := time.Now(), s.traceCommit(of)
	added, committing, err = tx.Commit(ctx, rows)
	end(err)
	if err != nil && len(rows.Waiters) > 0 {
		s.mirror.doubt()
	}
	if errors.Is(err, ErrOtherRule) {
		err = refuse(err)
	}
	if err != nil && !committing {
		return nil, false, err
	}
	if here, _ := s.mirror.wantedBy(s.line.replica, changes.Now, changes.Freed); len(here) > 0 { // also by claims that joined meanwhile
		s.line.freed(here, true)
	}
	if err != nil {
		return nil, true, err
	}
	s.observe(changes, added, of.number, time.Since(began))
	if len(changes.Gone) > 0 {
		s.line.doubt(changes.Gone, true)
	}
	if len(rows.Accounts)+len(rows.Rows)+len(rows.Removed) > 0 {
		s.leftUnused.Store(true)
	}
	for _, c := range changes.Changed {
		s.unreadable.note(c.After.ID(), nil)
	}
	for _, id := range changes.Removed {
		s.unreadable.note(id, nil)
	}
	return added, false, nil
}

// observe tells the observers of changes that were committed, unless they are of users that had to be added together, and were not.
func (s *Store) observe(changes ledger.Changes, added map[domain.UserID]bool, operations int, took time.Duration) {
	if len(s.observers) == 0 || changes.Together && len(added) < len(changes.Added) {
		return
	}
	events, _ := changes.WithAdded(added)
	s.recorded(changes.Now, events)
	s.observers.Committed(operations, took)
}

// rowsOf returns the rows of changes.
func (s *Store) rowsOf(changes ledger.Changes) (Changes, error) {
	rows := Changes{Changes: changes, At: micros(changes.Now), Replica: s.line.replica, LoginRule: s.logins.String()}
	for _, c := range changes.Changed {
		if !c.After.SameCirculation(c.Before) {
			rows.Moved = append(rows.Moved, Move{UserID: c.After.ID(), Circulation: circulationOf(c.After)})
		}
		if !c.After.SameSession(c.Before) {
			session, err := s.sealSession(c.After)
			if err != nil {
				return Changes{}, err
			}
			rows.Sessions = append(rows.Sessions, session)
		}
		if c.After.SameAccount(c.Before) {
			continue
		}
		row, err := s.seal(c.After)
		if err != nil {
			return Changes{}, err
		}
		rows.Accounts = append(rows.Accounts, Account{UserID: row.UserID, Secrets: row.Secrets, Labels: row.Labels})
	}
	for _, a := range changes.Added {
		row, err := s.seal(a.User)
		if err != nil {
			return Changes{}, err
		}
		rows.Rows = append(rows.Rows, row)
	}
	for _, ended := range changes.Ended {
		rows.Leases = append(rows.Leases, rowOfEnded(ended))
	}
	slices.SortFunc(rows.Leases, func(a, b EndedLease) int { return cmp.Compare(a.Lease, b.Lease) })
	for _, w := range changes.Joined {
		_, key := EncodeWant(w.Want)
		rows.Waiters = append(rows.Waiters, Waiter{
			Place: int64(w.Place), Replica: s.line.replica, Want: w.Want, WantKey: key, Since: micros(w.Since), Until: micros(w.Until),
			Call: w.Call, Asker: w.Asker,
		})
	}
	return rows, nil
}
