package bunstore

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

// places are where the users of a list are: parts of the table of users that an index leads to. A page needs no more than its own
// size of a pool or of a set of labels, because their indexes are in the order of ids, like a list. SQLite has no statistics, and
// those of PostgreSQL do not say in which order users were added: either would read all users of a project for one page.
type places struct {
	parts []Condition     // on users u
	rest  domain.Selector // what some users there may not match
	byID  bool            // an index has the users of each part in the order of their ids
}

// placesAtOnce is how many places one statement looks into.
const placesAtOnce = 100

// places returns the smallest places that have all users of the list. narrow is false if that is everywhere.
func (l *listing) places(ctx context.Context) (found places, narrow bool, err error) {
	if found, narrow = l.away(); narrow {
		return found, narrow, nil
	}
	if found, narrow, err = l.sets(ctx); narrow || err != nil {
		return found, narrow, err
	}
	return l.pools(ctx)
}

// away returns where users are that are held or in quarantine: few of the farm. few is false if the list has others.
func (l *listing) away() (found places, few bool) {
	now := []any{micros(l.now)}
	found.rest = l.want
	held, expired := Condition{l.store.dialect.Rules.Leased, now}, Condition{l.store.dialect.Rules.Expired, now}
	switch {
	case l.q.Owner != "":
		found.parts = []Condition{held}
	case l.q.Status == domain.Locked:
		found.parts = []Condition{held, {SQL: "u.lock_acquired_at IS NOT NULL AND u.lock_expires_at IS NULL"}}
	case l.q.Status == domain.Quarantined:
		found.parts = []Condition{expired, {SQL: "u.quarantined_at IS NOT NULL"}}
	}
	return found, found.parts != nil
}

// sets returns the sets of labels that have one of the labels: the one that the fewest have. few is false if these are more than
// [FewSets].
func (l *listing) sets(ctx context.Context) (fewest places, few bool, err error) {
	for name, value := range l.want.Labels {
		search := l.db.NewSelect().TableExpr("set_labels AS l").ColumnExpr("l.label_set_id").
			Join("JOIN pools AS p ON p.pool_id = l.pool_id").Where("l.name = ?", name).Where("l.value = ?", value)
		var sets []int64
		if err := where(search, l.inPools()).Limit(FewSets+1).Scan(ctx, &sets); err != nil {
			return places{}, false, err
		}
		if len(sets) <= FewSets && (!few || len(sets) < len(fewest.parts)) {
			others := maps.Clone(l.want.Labels)
			delete(others, name)
			fewest, few = places{each("u.label_set_id = ?", sets), domain.Selector{Labels: others}, true}, true
		}
	}
	return fewest, few, nil
}

// pools returns the pools that have users with the labels. narrow is false if the filters leave everything open.
func (l *listing) pools(ctx context.Context) (found places, narrow bool, err error) {
	conditions := l.inPools()
	for name, value := range l.want.Labels {
		conditions = append(conditions, Condition{
			SQL:  "EXISTS (SELECT 1 FROM set_labels AS l WHERE l.name = ? AND l.value = ? AND l.pool_id = p.pool_id)",
			Args: []any{name, value},
		})
	}
	if len(conditions) == 0 {
		return places{}, false, nil
	}
	var pools []int64
	err = where(l.db.NewSelect().TableExpr("pools AS p").ColumnExpr("p.pool_id"), conditions).Scan(ctx, &pools)
	return places{each("u.pool_id = ?", pools), domain.Selector{Labels: l.want.Labels}, true}, true, err
}

// inPools returns the conditions for the pools p that the filters match.
func (l *listing) inPools() []Condition {
	want := l.want
	want.Labels = nil
	return l.store.dialect.Rules.Matches(want, "p", "p")
}

func each(condition string, keys []int64) []Condition {
	all := make([]Condition, len(keys))
	for i, key := range keys {
		all[i] = Condition{SQL: condition, Args: []any{key}}
	}
	return all
}

// idsIn returns the ids of the users of the page, and of one more.
func (l *listing) idsIn(ctx context.Context, p places) (ids []string, err error) {
	for some := range slices.Chunk(p.parts, placesAtOnce) {
		pages := make([]any, len(some))
		for i, part := range some {
			inPart := where(l.db.NewSelect().TableExpr("users AS u").ColumnExpr("u.user_id"), []Condition{part})
			pages[i] = l.page(l.matching(inPart, p.rest), p.byID)
		}
		union := strings.TrimSuffix(strings.Repeat("SELECT p.user_id FROM (?) AS p UNION ", len(some)), " UNION ")
		search := l.inOrder(l.db.NewSelect().TableExpr("("+union+") AS u", pages...).ColumnExpr("u.user_id"))
		var found []uuid.UUID
		if err := search.Limit(int64(l.q.Limit)+1).Scan(ctx, &found); err != nil {
			return nil, err
		}
		for _, id := range found {
			ids = append(ids, id.String())
		}
		slices.Sort(ids)
		if l.q.NewestFirst {
			slices.Reverse(ids)
		}
		ids = ids[:min(len(ids), l.q.Limit+1)]
	}
	return ids, nil
}
