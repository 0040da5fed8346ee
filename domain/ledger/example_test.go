package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

// A program keeps test accounts in a table of its own. It loads the rows, lets the ledger decide, and writes what the ledger
// says, all in one transaction.
func Example() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // so that no other transaction runs between the read and the write
	accounts := accounts{db}
	accounts.mustExec(`CREATE TABLE accounts (n INTEGER PRIMARY KEY, login TEXT, fence INTEGER, released_at INTEGER,
		lease BLOB, owner TEXT, acquired_at INTEGER, expires_at INTEGER)`)
	accounts.mustExec(`INSERT INTO accounts VALUES (1, 'ann', 0, 0, NULL, '', 0, 0), (2, 'bob', 0, 0, NULL, '', 0, 0)`)

	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, owner := range []string{"worker 1", "worker 2", "worker 3"} {
		lease, err := accounts.acquire(context.Background(), now, owner)
		if err != nil {
			fmt.Println(owner, "gets none:", err)
			continue
		}
		fmt.Println(owner, "gets", lease.Users[0].Login, "with fence", lease.Users[0].Fence)
	}
	// Output:
	// worker 1 gets ann with fence 1
	// worker 2 gets bob with fence 1
	// worker 3 gets none: no matching user is free (selector 0)
}

type accounts struct{ db *sql.DB }

func (a accounts) mustExec(statement string) {
	if _, err := a.db.ExecContext(context.Background(), statement); err != nil {
		panic(err)
	}
}

// acquire grants a lease of any free account for a minute.
func (a accounts) acquire(ctx context.Context, now time.Time, owner string) (lease domain.Lease, err error) {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return domain.Lease{}, err
	}
	defer func() { _ = tx.Rollback() }()

	claim := &ledger.Claim{Want: []domain.Selector{{}}, Decide: func(now time.Time, users []*domain.User) (err error) {
		lease, err = domain.Grant(now, domain.NewLeaseID(), domain.Terms{Owner: owner, TTL: time.Minute}, users)
		return err
	}}
	search := ledger.NeedsOf(0, claim).Searches[0]
	rows, err := load(ctx, tx)
	if err != nil {
		return domain.Lease{}, err
	}
	// The table is small, so every row is loaded. A search in SQL would take the most rested free users, up to search.Limit.
	for _, row := range rows {
		if row.User.CheckFree(now) == nil && search.Want.Matches(row.User) {
			search.Found = append(search.Found, row)
		}
	}
	book := ledger.Open(ledger.Loaded{Now: now, Complete: true, Searches: []ledger.Search{search}})
	if err := book.Apply(claim); errors.Is(err, ledger.ErrShort) {
		return domain.Lease{}, book.Explain(claim.Want, rows)
	} else if err != nil {
		return domain.Lease{}, err
	}
	for _, changed := range book.Changes().Changed {
		if err := write(ctx, tx, changed.After.Snapshot()); err != nil {
			return domain.Lease{}, err
		}
	}
	return lease, tx.Commit()
}

// load returns all accounts.
func load(ctx context.Context, tx *sql.Tx) ([]ledger.Row, error) {
	rows, err := tx.QueryContext(ctx, `SELECT n, login, fence, released_at, lease, owner, acquired_at, expires_at FROM accounts ORDER BY n`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []ledger.Row
	for rows.Next() {
		var n byte
		var lease []byte
		var released, acquired, expires int64
		var s domain.Snapshot
		var lock domain.Lock
		if err := rows.Scan(&n, &s.Login, &s.Fence, &released, &lease, &lock.Owner, &acquired, &expires); err != nil {
			return nil, err
		}
		s.ID = domain.UserID{15: n}
		if released > 0 {
			s.ReleasedAt = time.UnixMicro(released)
		}
		if acquired > 0 {
			copy(lock.Lease[:], lease)
			lock.Size, lock.AcquiredAt, lock.ExpiresAt = 1, time.UnixMicro(acquired), time.UnixMicro(expires)
			s.Lock = &lock
		}
		all = append(all, ledger.RowOf(domain.Restore(s)))
	}
	return all, rows.Err()
}

// write writes what became of an account.
func write(ctx context.Context, tx *sql.Tx, s domain.Snapshot) error {
	lock := domain.Lock{AcquiredAt: time.UnixMicro(0), ExpiresAt: time.UnixMicro(0)}
	if s.Lock != nil {
		lock = *s.Lock
	}
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET fence = ?, released_at = ?, lease = ?, owner = ?, acquired_at = ?, expires_at = ?
		WHERE n = ?`, s.Fence, max(0, s.ReleasedAt.UnixMicro()), lock.Lease[:], lock.Owner, lock.AcquiredAt.UnixMicro(), lock.ExpiresAt.UnixMicro(), s.ID[15])
	return err
}
