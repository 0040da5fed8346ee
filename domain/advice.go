package domain

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"time"
)

const (
	// MostAdvisedClaims is how many claims an [Advice] is from at most: those that came last.
	MostAdvisedClaims = 20_000

	// DefaultTarget is the wait that an [Advice] is about if nobody asks for another one.
	DefaultTarget = 10 * time.Second

	// LongestTarget is the longest wait that an [Advice] may be about. The shortest is a second.
	LongestTarget = time.Hour

	// TargetRule is the rule about such a wait.
	TargetRule = "must be an integer from 1 to 3600"

	mostAdvisedWants = 5   // of a pool
	mostTogether     = 3   // wants that are tried together
	rareWant         = 100 // a want that fewer than one of so many claims of the pool have is not worth advice
	bearableGiveUps  = 100 // one of so many claims may give up where users are enough
)

// Stock are the users of a pool.
type Stock struct {
	Pool  Pool
	Users []Alike
}

// Advice says how many users would have been enough for what claims asked for.
type Advice struct {
	Since, Until time.Time     // the period in which the claims were served or gave up
	Target       time.Duration // enough users keep the 95th percentile of the waits under it
	Claims       int           // in the period, as far as they were read
	Cut          bool          // not all of the period was read, or not all of its claims count: there were too many
	Wants        []WantAdvice  // by pool; of a pool, what is wanted most often comes first
}

// WantAdvice is advice for the claims of one pool that want users with some labels. Claims that name users, and what claims want
// of other pools, are left out of the numbers.
type WantAdvice struct {
	Pool        Pool
	Project     string // the name of the pool's project; empty if it has none
	Labels      Labels
	Claims      int
	Users       int // that match, in circulation
	Quarantined int // that match, in quarantine

	Measured Waits       // what happened. If users came or went, or were in quarantine, it differs from the curve.
	Curve    []SizeWaits // what would have happened, with fewer users first; one is for the present number of users

	// Enough is the smallest number of users with which the waits are under the target, and no more than one of a hundred claims
	// gives up. Reached is false if even Most users are not enough.
	Enough  int
	Reached bool
	Most    int

	// Together is what would have been enough if Reached is false because the same claims want other users too, which are also
	// scarce. It is empty if that would not have been enough either, or if there are no such claims.
	Together Together
}

// Together are users with different labels that would have been enough together. No fewer with any of these labels would do.
type Together struct {
	More  []MoreUsers // those with the labels of the want come first
	Waits             // with all of them
}

// MoreUsers are users that a pool could have beside those that it has.
type MoreUsers struct {
	Labels Labels
	Users  int
}

// Waits are those of some claims. P50 and P95 are percentiles of the waits of claims that got their users.
type Waits struct {
	P50, P95 time.Duration
	Served   int
	GaveUp   int // or never got users
}

// SizeWaits are the waits with a number of matching users.
type SizeWaits struct {
	Users int
	Waits
}

// At returns the waits with a number of users that is in the curve.
func (w WantAdvice) At(users int) Waits {
	at := slices.IndexFunc(w.Curve, func(s SizeWaits) bool { return s.Users == users })
	if at < 0 {
		return Waits{}
	}
	return w.Curve[at].Waits
}

// Advise returns how many users would have been enough for each want of a demand that is worth advice, with the users that the pool
// has. More users would have the labels that are wanted and no others. Fewer users lack those that have the fewest other labels.
func Advise(d Demand, users []Alike, target time.Duration) []WantAdvice {
	users = slices.SortedFunc(slices.Values(users), func(a, b Alike) int { // so that the same users lead to the same advice
		return cmp.Compare(labelsKey(a.Labels), labelsKey(b.Labels))
	})
	replayed := newReplay(d)
	counted := make([][]int, len(replayed.singles)) // the claims that want a user like this
	claims := 0
	for i, past := range d.Claims {
		if past.Particular {
			continue
		}
		claims++
		for _, single := range replayed.wantsOf(i) {
			counted[single] = append(counted[single], i)
		}
	}
	wants := make([]int, 0, len(counted))
	for single, of := range counted {
		if len(of) > 0 && len(of)*rareWant >= claims {
			wants = append(wants, single)
		}
	}
	slices.SortFunc(wants, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(counted[b]), len(counted[a])),
			cmp.Compare(labelsKey(replayed.singles[a].Labels), labelsKey(replayed.singles[b].Labels)))
	})
	advice := make([]WantAdvice, 0, min(len(wants), mostAdvisedWants))
	for _, single := range wants[:min(len(wants), mostAdvisedWants)] {
		members := replayed.together(single, counted[single])
		a := adviser{users: users, want: replayed.singles[single], target: target, known: make(map[int]Waits)}
		for _, member := range members[1:] {
			a.others = append(a.others, replayed.singles[member])
		}
		related := replayed.related(members, users)
		counts := make(map[int]bool, len(counted[single]))
		for _, i := range counted[single] {
			counts[i] = true
		}
		a.demand.Pool = d.Pool
		for i, past := range d.Claims {
			if counts[i] {
				a.claims = append(a.claims, len(a.demand.Claims))
			}
			if related[replayed.claims[i].crowd] {
				a.demand.Claims = append(a.demand.Claims, past)
			}
		}
		a.replay = newReplay(a.demand)
		advice = append(advice, a.advise())
	}
	return advice
}

// wantsOf returns the different wants of a claim.
func (r *replay) wantsOf(claim int) []int {
	return slices.Compact(slices.Sorted(slices.Values(r.crowds[r.claims[claim].crowd].singles)))
}

// together returns a want, and the others that its claims have most often with it.
func (r *replay) together(want int, claims []int) []int {
	count := make([]int, len(r.singles))
	for _, i := range claims {
		for _, single := range r.wantsOf(i) {
			count[single]++
		}
	}
	count[want] = 0
	members := []int{want}
	for range mostTogether - 1 {
		next := slices.Index(count, slices.Max(count))
		if count[next] == 0 {
			break
		}
		members, count[next] = append(members, next), 0
	}
	return members
}

// related returns which crowds may compete, directly or through others, with the claims of the first of some wants for the users, or
// for more users with the labels of one of these wants. The others make no difference to them.
func (r *replay) related(wants []int, users []Alike) []bool {
	ties := make([]int, len(r.singles)) // the root of each tree is for all in it
	for i := range ties {
		ties[i] = i
	}
	root := func(i int) int {
		for ties[i] != i {
			ties[i] = ties[ties[i]]
			i = ties[i]
		}
		return i
	}
	for _, crowd := range r.crowds {
		for _, single := range crowd.singles {
			ties[root(single)] = root(crowd.singles[0])
		}
	}
	users = slices.Clone(users)
	for _, want := range wants {
		users = append(users, Alike{Labels: r.singles[want].Labels})
	}
	for _, alike := range users {
		first := -1
		for i, fits := range r.fitOf(alike.Labels).of {
			switch {
			case !fits:
			case first < 0:
				first = i
			default:
				ties[root(i)] = root(first)
			}
		}
	}
	related := make([]bool, len(r.crowds))
	for i, crowd := range r.crowds {
		related[i] = root(crowd.singles[0]) == root(wants[0])
	}
	return related
}

// adviser makes the advice for one want.
type adviser struct {
	demand Demand
	replay *replay
	users  []Alike
	want   Selector
	others []Selector // that claims want together with it
	claims []int
	target time.Duration
	known  map[int]Waits // by the number of users
}

func (a *adviser) advise() WantAdvice {
	w := WantAdvice{Pool: a.demand.Pool, Labels: a.want.Labels, Claims: len(a.claims)}
	for _, alike := range a.users {
		if alike.Labels.Contain(a.want.Labels) {
			w.Users, w.Quarantined = w.Users+alike.Users, w.Quarantined+alike.Quarantined
		}
	}
	past := make([]time.Duration, len(a.demand.Claims))
	for i, claim := range a.demand.Claims {
		if past[i] = claim.Waited; claim.GaveUp {
			past[i] = Unserved
		}
	}
	w.Measured = waitsOf(past, a.claims)
	a.search(&w)
	for _, users := range sizesAround(w) {
		w.Curve = append(w.Curve, SizeWaits{Users: users, Waits: a.with(w.Users, users)})
	}
	if !w.Reached && len(a.others) > 0 {
		w.Together = a.together(append([]Selector{a.want}, a.others...))
	}
	return w
}

// search finds the smallest number of users that is enough. More users may make a wait longer in rare cases, because other users are
// handed out; the search takes it that they do not.
func (a *adviser) search(w *WantAdvice) {
	enough := func(users int) bool { return a.isEnough(a.with(w.Users, users)) }
	low, high := 0, w.Users // low is not enough
	w.Most = w.Users
	if w.Users == 0 || !enough(w.Users) {
		wanted := 0 // with a user for each of them, no claim waits for one like this
		for _, i := range a.claims {
			wanted += len(a.demand.Claims[i].Want)
		}
		w.Most = w.Users + min(wanted, mostMore(w.Users))
		low, high = w.Users, w.Users
		for step := 1; high == low; step *= 2 {
			size := min(w.Users+step, w.Most)
			switch {
			case enough(size):
				high = size
			case size == w.Most:
				return
			default:
				low, high = size, size
			}
		}
	}
	w.Enough, w.Reached = smallest(low+1, high, enough), true
}

// together finds how many more users of several wants are enough together, if any are. It finds first how many of each are needed at
// least, however many there are of the others. To these it adds as many of all, until that is enough, and takes away what is not needed.
func (a *adviser) together(wants []Selector) Together {
	more := make([]int, len(wants))
	for i, want := range wants {
		more[i] = a.mostMoreOf(want)
	}
	with := func(more []int) Waits { return a.withMore(wants, more) }
	if !a.isEnough(with(more)) {
		return Together{}
	}
	fewest := func(i, least int, more []int) int { // of one want, with so many of the others
		more = slices.Clone(more)
		return smallest(least, more[i], func(n int) bool { more[i] = n; return a.isEnough(with(more)) })
	}
	least, largest := make([]int, len(wants)), 0
	for i := range wants {
		least[i] = fewest(i, 0, more)
		largest = max(largest, more[i]-least[i])
	}
	add := func(n int) []int {
		added := slices.Clone(more)
		for i := range added {
			added[i] = min(least[i]+n, more[i])
		}
		return added
	}
	more = add(smallest(0, largest, func(n int) bool { return a.isEnough(with(add(n))) }))
	for i := range more {
		more[i] = fewest(i, least[i], more)
	}
	t := Together{Waits: with(more)}
	for i, want := range wants {
		if more[i] > 0 {
			t.More = append(t.More, MoreUsers{Labels: want.Labels, Users: more[i]})
		}
	}
	return t
}

// smallest returns the smallest of the numbers from low to high that is enough, if all that are larger than that are enough, too.
// It takes it that high is.
func smallest(low, high int, enough func(int) bool) int {
	return low + sort.Search(high-low, func(i int) bool { return enough(low + i) })
}

// isEnough reports whether these waits of the claims are the aim.
func (a *adviser) isEnough(w Waits) bool {
	return w.Served > 0 && w.P95 < a.target && w.GaveUp*bearableGiveUps <= len(a.claims)
}

// mostMore is how many users are tried at most beside those that there are.
func mostMore(users int) int { return max(4*users, 64) }

// mostMoreOf is mostMore for a want. With a user for each selector like it, no claim waits for such a user.
func (a *adviser) mostMoreOf(want Selector) int {
	users, wanted := 0, 0
	for _, alike := range a.users {
		if alike.Labels.Contain(want.Labels) {
			users += alike.Users
		}
	}
	for _, claim := range a.demand.Claims {
		for _, s := range claim.Want {
			if want.Labels.Contain(s.Labels) {
				wanted++
			}
		}
	}
	return min(wanted, mostMore(users))
}

// sizesAround returns the sizes of a curve: those around the present size and the one that is enough.
func sizesAround(w WantAdvice) []int {
	centers := []int{w.Users, w.Users}
	if w.Reached {
		centers[1] = w.Enough
	}
	sizes := make(map[int]bool)
	for _, center := range centers {
		for _, step := range []int{0, 1, 2, 4} {
			sizes[center+step], sizes[max(center-step, 1)] = true, true
		}
	}
	sizes[w.Users] = true
	if !w.Reached {
		sizes[w.Most] = true
	}
	return slices.Sorted(maps.Keys(sizes))
}

// with returns the waits with a number of matching users, of which there are so many now.
func (a *adviser) with(now, users int) Waits {
	if known, ok := a.known[users]; ok {
		return known
	}
	waits := waitsOf(a.replay.run(resize(a.users, a.want, users-now)), a.claims)
	a.known[users] = waits
	return waits
}

// withMore returns the waits with more users of several wants.
func (a *adviser) withMore(wants []Selector, more []int) Waits {
	users := a.users
	for i, want := range wants {
		users = resize(users, want, more[i])
	}
	return waitsOf(a.replay.run(users), a.claims)
}

// resize returns the users with more or fewer of those that a selector matches.
func resize(users []Alike, want Selector, more int) []Alike {
	if more >= 0 {
		return append(slices.Clone(users), Alike{Labels: want.Labels, Users: more})
	}
	users = slices.Clone(users)
	slices.SortStableFunc(users, func(a, b Alike) int { return cmp.Compare(len(a.Labels), len(b.Labels)) })
	for i, alike := range users {
		if alike.Labels.Contain(want.Labels) {
			fewer := min(alike.Users, -more)
			users[i].Users -= fewer
			more += fewer
		}
	}
	return users
}

// waitsOf summarizes the waits of some claims.
func waitsOf(waits []time.Duration, claims []int) (w Waits) {
	served := make([]time.Duration, 0, len(claims))
	for _, i := range claims {
		if waits[i] == Unserved {
			w.GaveUp++
		} else {
			served = append(served, waits[i])
		}
	}
	slices.Sort(served)
	w.Served, w.P50, w.P95 = len(served), Percentile(served, 50), Percentile(served, 95)
	return w
}

// Percentile returns the smallest of the waits that so many percent of them do not exceed; 0 without any. They are ascending.
func Percentile(waits []time.Duration, percent int) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	return waits[(len(waits)*percent+99)/100-1]
}
