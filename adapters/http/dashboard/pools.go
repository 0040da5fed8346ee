package dashboard

import (
	"context"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// projectsAtOnce is how many projects the page of pools names.
const projectsAtOnce = 100

// poolsAtOnce is how many pools a page of them has.
const poolsAtOnce = 100

// poolRow is a pool, or the sum of some.
type poolRow struct {
	poolText
	domain.PoolCount

	WaitingSince time.Time // of the first that waits; zero if nobody does
	Waits        waits     // of the last hour, if they are known

	pool domain.Pool
}

// Bar returns the parts of the bar of the pool, in a hundred.
func (r poolRow) Bar() (b bar) {
	if r.Total == 0 {
		return b
	}
	at := func(n int) float64 { return 100 * float64(n) / float64(r.Total) }
	b.Held, b.Quarantined = at(r.Locked), at(r.Quarantined)
	b.QuarantinedAt = 100 - b.Quarantined
	return b
}

// bar is the shares of a bar: those that are held from the left, and those in quarantine from the right.
type bar struct{ Held, QuarantinedAt, Quarantined float64 }

// poolRows returns the pools that the filter lets through, and their sum.
func poolRows(ctx context.Context, in loading) (rows []poolRow, sum poolRow, err error) {
	counts, err := in.farm.Pools(ctx)
	if err != nil {
		return nil, sum, err
	}
	for _, count := range counts {
		if !in.filter.hasPool(count.Pool) {
			continue
		}
		rows = append(rows, poolRow{
			poolText: in.projects.pool(count.Pool), PoolCount: count, WaitingSince: sinceStart(count.LongestWait), pool: count.Pool,
		})
		sum.Total += count.Total
		sum.Free += count.Free
		sum.Locked += count.Locked
		sum.Quarantined += count.Quarantined
	}
	return rows, sum, nil
}

// poolPage is a page of pools.
type poolPage struct {
	Pools       []poolRow
	First, Last int // numbers from 1
	All         int
	Next, Prev  int // numbers of pages; 0 if there is none

	Projects     []domain.ProjectCount // of the pools that the filter lets through, and those that only have a name
	MoreProjects int
}

func loadPools(ctx context.Context, in loading) (any, error) {
	rows, _, err := poolRows(ctx, in)
	if err != nil {
		return nil, err
	}
	page := max(in.filter.Page, 1)
	from := min((page-1)*poolsAtOnce, len(rows))
	to := min(from+poolsAtOnce, len(rows))
	happened, err := lastHour(ctx, in)
	if err != nil {
		return nil, err
	}
	for i := from; i < to; i++ {
		rows[i].Waits = happened.pools[rows[i].pool]
	}
	p := poolPage{Pools: rows[from:to], First: from + 1, Last: to, All: len(rows), Prev: page - 1}
	if to < len(rows) {
		p.Next = page + 1
	}
	all := projectsIn(rows, in)
	p.Projects, p.MoreProjects = all[:min(len(all), projectsAtOnce)], max(0, len(all)-projectsAtOnce)
	return p, nil
}

// projectsIn counts the users of the projects of pools. Without a filter, it also returns projects that have a name and no users.
func projectsIn(rows []poolRow, in loading) []domain.ProjectCount {
	counts := make([]domain.PoolCount, len(rows))
	used := make(map[domain.ProjectID]bool)
	for i, row := range rows {
		counts[i], used[row.pool.ProjectID] = row.PoolCount, true
	}
	named := slices.DeleteFunc(slices.Clone(in.projects), func(p domain.Project) bool { return !in.filter.onlyPages() && !used[p.ID] })
	return domain.CountProjects(counts, named)
}
