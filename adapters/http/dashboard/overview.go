package dashboard

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// How many rows each section of the overview has. Its links lead to the rest.
const (
	shownPools   = 12
	shownWaiters = 12
	shownUsers   = 12
)

// overview is what the overview shows.
type overview struct {
	Sum         poolRow
	Pools       []poolRow
	MorePools   int
	Line        lineRows
	Held        userRows
	Quarantined userRows
	Hour        hour

	// Unfiltered says that the counts of pools leave out what the filter says about single users.
	Unfiltered bool
	Empty      bool // there is no user at all
}

func loadOverview(ctx context.Context, in loading) (any, error) {
	var o overview
	pools, sum, err := poolRows(ctx, in)
	if err != nil {
		return nil, err
	}
	o.Sum, o.Empty = sum, sum.Total == 0 && in.filter.IsZero()
	o.Unfiltered = len(in.filter.Labels) > 0 || in.filter.Owner != "" || in.filter.Login != ""
	if o.Hour, err = lastHour(ctx, in); err != nil {
		return nil, err
	}
	for i := range pools {
		pools[i].Waits = o.Hour.pools[pools[i].pool]
	}
	slices.SortStableFunc(pools, byNeed)
	o.Pools, o.MorePools = pools[:min(len(pools), shownPools)], max(0, len(pools)-shownPools)
	if o.Line, err = waiters(ctx, in, 0, shownWaiters); err != nil {
		return nil, err
	}
	if o.Held, err = users(ctx, in, domain.Locked, shownUsers); err != nil {
		return nil, err
	}
	if o.Quarantined, err = users(ctx, in, domain.Quarantined, shownUsers); err != nil {
		return nil, err
	}
	return o, nil
}

// byNeed puts those pools first for which most claims wait, and of these the one whose first claim has waited longest.
func byNeed(a, b poolRow) int {
	return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(b.LongestWait, a.LongestWait))
}

// sinceStart returns the time before now by d, for the texts that count from it.
func sinceStart(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(-d).Truncate(time.Second)
}
