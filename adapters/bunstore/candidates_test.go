package bunstore

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestCandidatesAreInTheOrderOfTheirRest(t *testing.T) {
	user := func(n byte, set int64) Candidate { return Candidate{User: [16]byte{n}, FreeAt: int64(n), Set: set} }
	for name, test := range map[string]struct {
		found  []Candidate
		ofEach int
		want   int // how many are kept
	}{
		"one":                                  {[]Candidate{user(1, 1)}, 2, 0},
		"all of each set":                      {[]Candidate{user(1, 1), user(2, 2), user(3, 3)}, 2, 3},
		"a set that may have more":             {[]Candidate{user(1, 1), user(2, 2), user(3, 1), user(4, 3)}, 2, 3},
		"of a pool, where no more can follow":  {[]Candidate{user(1, 0), user(2, 0), user(3, 0)}, 2, 3},
		"two, the first of which may be alone": {[]Candidate{user(1, 1), user(2, 2)}, 1, 1},
	} {
		var c Candidates
		c.Found("key", test.found, test.ofEach)
		if got := c.Of("key"); !slices.Equal(got, test.found[:test.want]) {
			t.Errorf("%s: the candidates are %v, want %v", name, got, test.found[:test.want])
		}
	}
}

func TestCandidatesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		found := []Candidate{{User: [16]byte{1}}, {User: [16]byte{2}}, {User: [16]byte{3}}}
		var c Candidates
		wants := func(why string, want ...Candidate) {
			t.Helper()
			if got := c.Of("key"); !slices.Equal(got, want) {
				t.Errorf("%s: the candidates are %v, want %v", why, got, want)
			}
		}
		wants("at first")
		c.Found("key", found, 2)
		c.Wrote(Changes{At: 2_000, Moved: []Move{{Circulation: Circulation{FreeAt: 2_000}}}}, nil)
		wants("after a release", found...)
		c.Held("key", []Row{{UserID: [16]byte{2}}, {UserID: [16]byte{3}}})
		wants("once the first was not free", found[1:]...)
		c.Wrote(Changes{At: 2_000, Moved: []Move{{UserID: [16]byte{2}, Circulation: Circulation{FreeAt: 3_000}}}}, []string{"key"})
		wants("once another was taken", found[2:]...)
		c.Held("key", nil)
		wants("once none was free")

		c.Found("key", found, 2)
		c.Wrote(Changes{At: 2_000, Moved: []Move{{Circulation: Circulation{FreeAt: 500}}}}, nil)
		wants("after a user was restored")
		c.Found("key", found, 2)
		c.Wrote(Changes{Rows: []Row{{}}}, nil)
		wants("after a user was added")

		c.Found("key", found, 2)
		time.Sleep(candidatesAge)
		wants("while they are young", found...)
		time.Sleep(time.Nanosecond)
		wants("when they are old")

		c.Found("key", found, 2)
		for i := range maxCandidates {
			c.Found(strconv.Itoa(i), found, 2)
		}
		wants("after many other searches")
	})
}
