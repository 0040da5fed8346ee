package ledger

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
)

// The limit of a search is what all searches need that may find the same users.
func TestASearchMayFindWhatAllThatOverlapNeed(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "b", "c"})
	selector := rapid.Custom(func(t *rapid.T) domain.Selector {
		s := domain.Selector{Env: text.Draw(t, "env"), Domain: text.Draw(t, "domain"), Labels: domain.Labels{}}
		for _, name := range []string{"x", "y"} {
			if value := text.Draw(t, name); value != "" {
				s.Labels[name] = value
			}
		}
		s.ProjectID = domain.ProjectID{rapid.ByteRange(0, 2).Draw(t, "project")}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		wants := rapid.SliceOfN(selector, 1, 12).Draw(t, "wants")
		var searches []Search
		for _, want := range wants {
			searches = append(searches, Search{Want: want})
		}
		for _, search := range limit(searches, 3) {
			want := 3
			for _, other := range wants {
				if search.Want.Overlaps(other) {
					want++
				}
			}
			if search.Limit != want {
				t.Fatalf("%+v may find %d users, want %d", search.Want, search.Limit, want)
			}
		}
		if got := len(limit(searches, 0)); got != len(slices.CompactFunc(slices.SortedFunc(slices.Values(searches), byKey), sameKey)) {
			t.Fatalf("there are %d searches", got)
		}
	})
}

func byKey(a, b Search) int {
	return slices.Compare([]byte(SearchKey(a.Want)), []byte(SearchKey(b.Want)))
}

func sameKey(a, b Search) bool { return byKey(a, b) == 0 }

func BenchmarkLimit(b *testing.B) {
	pool := domain.Selector{ProjectID: domain.ProjectID{1}, Env: "stage", Domain: "shop"}
	for name, want := range map[string]func(i int) domain.Selector{
		"pools": func(i int) domain.Selector {
			s := pool
			s.Domain += strconv.Itoa(i)
			return s
		},
		"labels": func(i int) domain.Selector {
			s := pool
			s.Labels = domain.Labels{"account": strconv.Itoa(i)}
			return s
		},
		"alike": func(int) domain.Selector { return pool },
	} {
		searches := make([]Search, 256)
		for i := range searches {
			searches[i].Want = want(i)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				limit(searches, 3)
			}
		})
	}
}
