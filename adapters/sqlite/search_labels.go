package sqlite

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
)

const (
	candidateByID = `SELECT ` + bunstore.Columns + ` FROM users u WHERE u.user_id = ? AND u.free_at = ?`

	freeInSet = `SELECT u.user_id, u.free_at, u.label_set_id FROM users u WHERE u.label_set_id = ? AND ` + free + `
		ORDER BY u.free_at, u.user_id LIMIT ?`

	noLimit = -1
)

// freeInPoolWithLabels reads the users of a pool in the order of their rest.
var freeInPoolWithLabels = `SELECT s.user_id, s.free_at, 0 FROM (
		SELECT * FROM users u WHERE u.pool_id = ? AND ` + free + ` ORDER BY u.free_at, u.user_id LIMIT ` + strconv.Itoa(bunstore.UsersAtOnce) + `
	) s WHERE s.label_set_id IS NOT NULL AND ` + haveLabels + ` LIMIT ?`

// haveLabels is the condition that s, which has a set of labels, has those of a JSON object.
const haveLabels = `NOT EXISTS (
		SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
			SELECT 1 FROM set_labels l
			WHERE l.name = wanted.key AND l.value = wanted.value AND l.pool_id = s.pool_id AND l.label_set_id = s.label_set_id))`

// freeWithLabels returns the most rested free users that a search with labels wants: candidates that are known, if enough of them are
// left.
func (tx *transaction) freeWithLabels(search ledger.Search) ([]bunstore.Row, error) {
	tx.searched = append(tx.searched, search.Key)
	if known := tx.engine.candidates.Of(search.Key); len(known) >= search.Limit {
		rows, err := tx.take(known, search.Limit)
		if err != nil {
			return nil, err
		}
		tx.engine.candidates.Held(search.Key, rows)
		if len(rows) == search.Limit {
			return rows, nil
		}
	}
	found, ofEach, err := tx.findCandidates(search)
	if err != nil {
		return nil, err
	}
	tx.engine.candidates.Found(search.Key, found, ofEach)
	return tx.take(found, search.Limit)
}

// take returns the first users of a list of candidates, as far as they still are.
func (tx *transaction) take(candidates []bunstore.Candidate, limit int) (taken []bunstore.Row, err error) {
	for _, candidate := range candidates {
		if len(taken) == limit {
			break
		}
		rows, err := tx.rows(candidateByID, uuid.UUID(candidate.User).String(), candidate.FreeAt)
		if err != nil {
			return nil, err
		}
		taken = append(taken, rows...)
	}
	return taken, nil
}

// findCandidates returns the most rested free users that a search with labels wants, and how many it looked for in each set of
// labels. If few sets match, it goes by these. If many do, it reads the users of the pool in the order of their rest, because many
// will have the labels. If too few of those have them, or if the selector leaves the pool open, it goes by all sets.
func (tx *transaction) findCandidates(search ledger.Search) (found []bunstore.Candidate, ofEach int, err error) {
	sets, err := tx.setsOf(search.Want, bunstore.FewSets+1)
	if err != nil {
		return nil, 0, err
	}
	if n := len(sets); n <= bunstore.FewSets {
		ofEach = max(search.Limit, min(bunstore.CandidatesAtOnce, bunstore.UsersAtOnce/max(n, 1)))
		found, err = tx.freeInSets(sets, ofEach)
		return found, ofEach, err
	}
	if namesPool(search.Want) {
		pool, err := tx.poolsOf(search.Want)
		if err != nil {
			return nil, 0, err
		}
		remember := max(search.Limit, bunstore.CandidatesAtOnce)
		labels, _ := json.Marshal(search.Want.Labels) // a map of texts always encodes
		found, err = tx.candidates(freeInPoolWithLabels, pool[0], tx.now, string(labels), remember)
		if err != nil || len(found) >= search.Limit {
			return found, 0, err
		}
	}
	if sets, err = tx.setsOf(search.Want, noLimit); err != nil {
		return nil, 0, err
	}
	ofEach = max(search.Limit, bunstore.OfEachSet)
	found, err = tx.freeInSets(sets, ofEach)
	return found, ofEach, err
}

// freeInSets returns the most rested free users of sets of labels, up to ofEach of each.
func (tx *transaction) freeInSets(sets []int64, ofEach int) (found []bunstore.Candidate, err error) {
	for _, set := range sets {
		more, err := tx.candidates(freeInSet, set, tx.now, ofEach)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.SortFunc(found, func(a, b bunstore.Candidate) int {
		return cmp.Or(cmp.Compare(a.FreeAt, b.FreeAt), slices.Compare(a.User[:], b.User[:]))
	})
	return found[:min(len(found), max(ofEach, bunstore.CandidatesAtOnce))], nil
}

func (tx *transaction) candidates(text string, args ...any) (found []bunstore.Candidate, err error) {
	rows, err := tx.statement(text).QueryContext(tx.ctx, args...) //nolint:sqlclosecheck // the statement is closed with the transaction
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id uuid.UUID
		var c bunstore.Candidate
		if err := rows.Scan(&id, &c.FreeAt, &c.Set); err != nil {
			return nil, err
		}
		c.User = id
		found = append(found, c)
	}
	return found, rows.Err()
}

// setsOf returns the keys of the sets of labels that have all the labels of a selector, in the pools that it matches. Of several labels,
// the one that the fewest sets have leads to them.
func (tx *transaction) setsOf(want domain.Selector, limit int) ([]int64, error) {
	names := slices.Sorted(maps.Keys(want.Labels))
	if len(names) == 1 {
		return tx.setsBy(names[0], want, limit)
	}
	rarest, fewest := names[0], bunstore.CandidatesAtOnce
	for _, name := range names {
		alone := want
		alone.Labels = domain.Labels{name: want.Labels[name]}
		sets, err := tx.setsBy(name, alone, fewest)
		if err != nil {
			return nil, err
		}
		if len(sets) < fewest {
			rarest, fewest = name, len(sets)
		}
	}
	return tx.setsBy(rarest, want, limit)
}

// setsBy is setsOf by way of one of the labels.
func (tx *transaction) setsBy(name string, want domain.Selector, limit int) ([]int64, error) {
	others := maps.Clone(want.Labels)
	delete(others, name)
	encoded, _ := json.Marshal(others) // a map of texts always encodes
	label := []any{name, want.Labels[name], string(encoded)}
	if namesPool(want) {
		args := append(label, want.ProjectID.String(), want.Env, want.Domain, limit)
		return keys(tx.statement(setsInPool).QueryContext(tx.ctx, args...)) //nolint:sqlclosecheck // keys closes it
	}
	inPool := want
	inPool.Labels = nil
	where, args := whereClause(matches(inPool, "p", ""))
	return keys(tx.tx.QueryContext(tx.ctx, setsWithLabels+` AND s.pool_id IN (SELECT p.pool_id FROM pools p`+where+`) LIMIT ?`,
		slices.Concat(label, args, []any{limit})...))
}

const (
	// setsWithLabels finds sets that have a label, and others.
	setsWithLabels = `SELECT s.label_set_id FROM set_labels s WHERE s.name = ? AND s.value = ? AND ` + haveLabels

	setsInPool = setsWithLabels + ` AND s.pool_id = (SELECT p.pool_id FROM pools p WHERE p.project_id = ? AND p.env = ? AND p.domain = ?) LIMIT ?`
)
