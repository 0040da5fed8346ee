package ledger

import (
	"iter"
	"maps"
	"slices"

	"github.com/userfarm/userfarm/domain"
)

// limit makes one of the searches that are the same, and gives each the limit that it needs. With k selectors, k candidates
// for each are enough to find the best assignment (see [domain.Assign]), and all claims of a group take no more users from
// a search than they have selectors that the same user could fit. more is for users that leave a search for other reasons.
func limit(searches []Search, more int) []Search {
	at := make(map[string]int, 1)
	var distinct []Search
	for _, search := range searches {
		key := SearchKey(search.Want)
		i, known := at[key]
		if !known {
			i = len(distinct)
			at[key] = i
			distinct = append(distinct, Search{Want: search.Want, Key: key})
		}
		distinct[i].Limit++
	}
	limited := make([]Search, len(distinct))
	near := neighbours(distinct)
	for i, search := range distinct {
		limited[i] = Search{Want: search.Want, Key: search.Key, Limit: more}
		for _, some := range near(i) {
			for _, j := range some {
				if search.Want.Overlaps(distinct[j].Want) {
					limited[i].Limit += distinct[j].Limit
				}
			}
		}
	}
	return limited
}

// neighbours returns the searches that may overlap with one of them. Selectors that want different values of a field do not overlap.
// So claims for different pools, or different account numbers, are not compared each with each.
func neighbours(searches []Search) func(i int) [][]int {
	if len(searches) == 1 { // a claim that is alone in its group
		return func(int) [][]int { return [][]int{{0}} }
	}
	values := make(map[string]map[string][]int)
	for i, search := range searches {
		for field, value := range fieldsOf(search.Want) {
			if values[field] == nil {
				values[field] = make(map[string][]int)
			}
			values[field][value] = append(values[field][value], i)
		}
	}
	var field string
	for f, different := range values {
		if field == "" || len(different) > len(values[field]) {
			field = f
		}
	}
	var open []int // searches without that field
	of := make([][]int, len(searches))
	for _, same := range values[field] {
		for _, i := range same {
			of[i] = same
		}
	}
	for i := range searches {
		if of[i] == nil {
			open = append(open, i)
		}
	}
	return func(i int) [][]int {
		if of[i] == nil {
			return slices.AppendSeq([][]int{open}, maps.Values(values[field]))
		}
		return [][]int{of[i], open}
	}
}

// fieldsOf yields the fields that a selector sets.
func fieldsOf(want domain.Selector) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if !want.ProjectID.IsZero() && !yield("project", string(want.ProjectID[:])) ||
			want.Env != "" && !yield("env", want.Env) || want.Domain != "" && !yield("domain", want.Domain) {
			return
		}
		for name, value := range want.Labels {
			if !yield("label "+name, value) {
				return
			}
		}
	}
}
