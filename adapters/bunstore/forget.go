package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// forgetAtOnce bounds what one transaction of Forget deletes, and with it how long others wait for it.
const forgetAtOnce = 1_000

// Aging is a table whose rows are forgotten when they are old.
type Aging struct {
	Table, Key, At string
	inOrder        bool // Key is nearly in the order of At, and there may be no index on At
}

var (
	oldLeases = Aging{Table: "ended_leases", Key: "lease", At: "ended_at"}
	oldEvents = Aging{Table: "events", Key: "event_id", At: "at", inOrder: true}
	oldCalls  = Aging{Table: "calls", Key: "key", At: "called_at"}
)

// Forget implements [ports.Housekeeping].
func (s *Store) Forget(ctx context.Context, ages ports.Ages) error {
	for _, old := range []struct {
		Aging
		age time.Duration
	}{
		{oldLeases, ages.Leases}, {oldEvents, ages.Events}, {oldCalls, domain.IdempotencyWindow},
		{oldSessions, 0}, {oldImports, domain.ImportKept},
	} {
		if err := s.forget(ctx, old.Aging, old.age); err != nil {
			return err
		}
	}
	if err := s.forgetPlaces(ctx); err != nil {
		return err
	}
	for _, dead := range s.dialect.DeadReplicas {
		if err := s.forget(ctx, dead, DeadAfter); err != nil {
			return err
		}
	}
	return s.forgetUnused(ctx)
}

func (s *Store) forget(ctx context.Context, m Aging, age time.Duration) error {
	for {
		var forgotten int64
		err := s.bounded(ctx, "forget "+m.Table, func(ctx context.Context) error {
			return s.retry(ctx, func() (_ bool, err error) {
				forgotten, err = s.forgetSome(ctx, m, age)
				return false, err
			})
		})
		if err != nil || forgotten < forgetAtOnce {
			return err
		}
	}
}

func (s *Store) forgetSome(ctx context.Context, m Aging, age time.Duration) (forgotten int64, err error) {
	table := s.writer.NewSelect().Table(m.Table)
	if m.inOrder {
		first := s.writer.NewSelect().Table(m.Table).Order(m.Key).Limit(forgetAtOnce)
		table = s.writer.NewSelect().Table(m.Table).Where("? IN (?)", bun.Ident(m.Key), first.Column(m.Key))
	}
	old := table.Column(m.Key).
		Where("? < (SELECT ?) - ?", bun.Ident(m.At), s.dialect.Clock(), age.Microseconds()).
		Limit(forgetAtOnce)
	if s.dialect.SkipLocked != "" {
		old = old.For(s.dialect.SkipLocked) // another replica forgets those
	}
	result, err := s.writer.NewDelete().Table(m.Table).Where("? IN (?)", bun.Ident(m.Key), old).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
