package bunstore

import (
	"encoding/json"
	"strconv"

	"github.com/userfarm/userfarm/domain"
)

// wants asks for what a claim needs: each user that it names, and free users for each of its other selectors.
func (a *Ask) wants(want []domain.Selector) {
	for _, selector := range want {
		switch {
		case !selector.UserID.IsZero():
			a.Users = append(a.Users, selector.UserID)
		case findable(selector):
			a.Free = append(a.Free, Search{Want: selector, Limit: 1})
		}
	}
}

// limit makes one of the searches that are the same, and gives each the limit that it needs: with k selectors, k candidates
// for each are enough to find the best assignment (see [domain.Assign]), and all the claims of a transaction take no more
// users from a search than they have selectors which the same user could fit. The slack is for what a search may find in
// vain.
func (a *Ask) limit(slack int) {
	keys := make(map[string]int, 1)
	var distinct []Search
	for _, search := range a.Free {
		key := searchKey(search.Want)
		at, known := keys[key]
		if !known {
			at = len(distinct)
			keys[key] = at
			distinct = append(distinct, Search{Want: search.Want, Key: key})
		}
		distinct[at].Limit++
	}
	a.Free = make([]Search, len(distinct))
	for i, search := range distinct {
		a.Free[i] = Search{Want: search.Want, Key: search.Key, Limit: len(a.Users) + slack}
		for _, other := range distinct {
			if search.Want.Overlaps(other.Want) {
				a.Free[i].Limit += other.Limit
			}
		}
	}
}

// searchKey is the same for selectors that want the same.
func searchKey(want domain.Selector) string {
	key := make([]byte, 0, 128)
	key = append(key, want.UserID[:]...)
	key = append(key, want.ProjectID[:]...)
	key = strconv.AppendQuote(key, want.Env)
	key = strconv.AppendQuote(key, want.Domain)
	if len(want.Labels) > 0 {
		labels, _ := json.Marshal(want.Labels) // sorted; a map of texts always encodes
		key = append(key, labels...)
	}
	if want.Scope().Limited {
		key = append(append(key, '@'), encodeProjects(want.Scope().Projects)...)
	}
	return string(key)
}
