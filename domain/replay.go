package domain

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Alike are the users of a pool that have the same labels.
type Alike struct {
	Labels      Labels
	Users       int // in circulation
	Quarantined int
}

// Unserved is the wait of a claim that got no users in a [Demand.Replay].
const Unserved time.Duration = -1

// Replay returns how long each claim of the demand would have waited if the pool had had these users, or [Unserved]. The line
// is served by [Serve], as a store does it:
//
//   - A claim comes when it came, or as long after the end of the last claim of the same worker as it did. A worker is an owner that
//     never had two claims at a time, and comes again within a minute.
//   - A claim waits for as long as it takes, but one that gave up has no more patience than it had.
//   - It holds its users for as long as it did. One that gave up would have held them for as long as the last one before it that
//     wanted the same and got it, or else the first one after it, so that such holds are spread as the others are. If there is
//     none, it is the median of all holds; without any, [DefaultTTL].
//   - All users are free at first, and none is in quarantine, comes or goes meanwhile.
func (d Demand) Replay(users []Alike) (waits []time.Duration) { return newReplay(d).run(users) }

// replay is a demand that is ready to be replayed, many times.
type replay struct {
	claims  []replayClaim
	crowds  []replayCrowd // claims that want the same
	singles []Selector    // the different selectors

	followers map[int]follower // of claims, by their index
	fits      map[string]fit   // by the key of the labels, once it is known
}

// fit says which users are alike for all claims: those that the same selectors match.
type fit struct {
	of  []bool // for each of the different selectors
	key string // the same, as a text
}

func (r *replay) fitOf(labels Labels) fit {
	key := labelsKey(labels)
	if known, ok := r.fits[key]; ok {
		return known
	}
	bits := make([]byte, len(r.singles))
	f := fit{of: make([]bool, len(r.singles))}
	for i, s := range r.singles {
		if f.of[i] = labels.Contain(s.Labels); f.of[i] {
			bits[i] = 1
		}
	}
	f.key = string(bits)
	r.fits[key] = f
	return f
}

type replayClaim struct {
	came  time.Time
	limit time.Duration // how long it waits at most; Unserved for as long as it takes
	crowd int
	held  []time.Duration

	follows bool // another one, whose follower it is
}

type replayCrowd struct {
	want    []Selector
	singles []int
}

func newReplay(d Demand) *replay {
	r := &replay{claims: make([]replayClaim, len(d.Claims)), followers: followersOf(d.Claims), fits: make(map[string]fit)}
	crowds, singles := make(map[string]int), make(map[string]int)
	latest := make(map[int]time.Duration) // hold of each crowd; before the first one, that
	var all []time.Duration
	for i, past := range d.Claims {
		var key []string
		for _, s := range past.Want {
			key = append(key, labelsKey(s.Labels))
		}
		joined := strings.Join(key, "\x01")
		crowd, known := crowds[joined]
		if !known {
			crowd = len(r.crowds)
			crowds[joined] = crowd
			c := replayCrowd{want: past.Want}
			for j, s := range past.Want {
				single, known := singles[key[j]]
				if !known {
					single = len(r.singles)
					singles[key[j]] = single
					r.singles = append(r.singles, s)
				}
				c.singles = append(c.singles, single)
			}
			r.crowds = append(r.crowds, c)
		}
		r.claims[i] = replayClaim{came: past.Came, limit: Unserved, crowd: crowd, held: past.Held}
		if past.GaveUp {
			r.claims[i].limit = past.Waited
		} else {
			if _, known := latest[crowd]; !known {
				latest[crowd] = past.Held[0]
			}
			all = append(all, past.Held...)
		}
	}
	for _, next := range r.followers {
		r.claims[next.claim].follows = true
	}
	usual := median(all, DefaultTTL)
	for i, past := range d.Claims {
		crowd := r.claims[i].crowd
		if !past.GaveUp {
			latest[crowd] = past.Held[0]
			continue
		}
		hold, known := latest[crowd]
		if !known {
			hold = usual
		}
		r.claims[i].held = slices.Repeat([]time.Duration{hold}, len(past.Want))
	}
	return r
}

func median(all []time.Duration, otherwise time.Duration) time.Duration {
	if len(all) == 0 {
		return otherwise
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// labelsKey returns a text that is the same for equal labels only.
func labelsKey(l Labels) string {
	var key strings.Builder
	for _, k := range slices.Sorted(maps.Keys(l)) {
		key.WriteString(k + "\x00" + l[k] + "\x00")
	}
	return key.String()
}

// run is [Demand.Replay].
func (r *replay) run(users []Alike) []time.Duration {
	t := &rerun{
		replay: r, waits: make([]time.Duration, len(r.claims)), lines: make([][]int, len(r.crowds)),
		came: make([]time.Time, len(r.claims)), places: make([]int, len(r.claims)),
		groupOf: make(map[*User]*restGroup), touched: make([]bool, len(r.crowds)),
	}
	t.stock(users)
	for i := range t.waits {
		t.waits[i] = Unserved
	}
	for i, claim := range r.claims {
		if !claim.follows {
			t.pass(claim.came)
			t.come(i, claim.came)
		}
	}
	for len(t.agenda) > 0 {
		t.passNext()
	}
	return t.waits
}

// rerun is one run of a replay.
type rerun struct {
	*replay
	now     time.Time
	groups  []*restGroup
	groupOf map[*User]*restGroup
	lines   [][]int // for each crowd, its claims that wait, in the order of the line
	active  []int   // the crowds that have claims in line
	waiting int     // how many selectors of claims are in line
	agenda  agenda
	waits   []time.Duration
	came    []time.Time // of claims
	places  []int       // of claims in the line
	last    int         // place that was taken

	// To be used again by each call of serve.
	stocked []*restGroup // that have free users for active crowds
	free    []*User
	touched []bool // for each of the active crowds, whether a user is free for it
	line    []int
	want    [][]Selector
}

// restGroup has users that are alike for all claims of the demand: the same selectors match them.
type restGroup struct {
	fits []bool  // for each of the different selectors
	free []*User // in the order of rest
}

// stock puts the users into groups. Of users that have the same labels, it takes no more than all claims together could be granted: the
// others would stay unused.
func (t *rerun) stock(users []Alike) {
	granted := 0
	for _, claim := range t.claims {
		granted += len(t.crowds[claim.crowd].want)
	}
	groups := make(map[string]*restGroup)
	n := uint64(0)
	for _, alike := range users {
		f := t.fitOf(alike.Labels)
		if !slices.Contains(f.of, true) {
			continue
		}
		g := groups[f.key]
		if g == nil {
			g = &restGroup{fits: f.of}
			groups[f.key] = g
			t.groups = append(t.groups, g)
		}
		for range min(alike.Users, granted) {
			n++
			u := &User{state: Snapshot{Labels: alike.Labels}}
			binary.BigEndian.PutUint64(u.state.ID[8:], n)
			g.free = append(g.free, u)
			t.groupOf[u] = g
		}
	}
}

// come puts a claim in line, and serves it if that is possible.
func (t *rerun) come(i int, at time.Time) {
	t.now, t.came[i] = at, at
	t.last++
	t.places[i] = t.last
	claim := t.claims[i]
	crowd := t.crowds[claim.crowd]
	if len(t.lines[claim.crowd]) == 0 {
		t.active = append(t.active, claim.crowd)
	}
	t.lines[claim.crowd] = append(t.lines[claim.crowd], i)
	t.waiting += len(crowd.want)
	if slices.ContainsFunc(t.groups, func(g *restGroup) bool { return len(g.free) > 0 && crowd.wants(g) }) {
		t.serve()
	}
	if claim.limit != Unserved && t.waits[i] == Unserved {
		heap.Push(&t.agenda, appointment{at: at.Add(claim.limit), kind: givesUp, claim: i})
	}
}

func (c replayCrowd) wants(g *restGroup) bool {
	return slices.ContainsFunc(c.singles, func(single int) bool { return g.fits[single] })
}

// pass lets happen what is due by a time.
func (t *rerun) pass(until time.Time) {
	for len(t.agenda) > 0 && !t.agenda[0].at.After(until) {
		t.passNext()
	}
}

// passNext lets a user come back, a claim come, or all claims give up whose patience ends at one time.
func (t *rerun) passNext() {
	a := t.nextAppointment()
	t.now = a.at
	switch a.kind {
	case comesBack:
		t.comeBack(a.user)
		return
	case comes:
		t.come(a.claim, a.at)
		return
	case givesUp:
	}
	reserved := false // for a claim of several users that gives up
	for {
		if t.waits[a.claim] == Unserved {
			t.leave(a.claim)
			t.letFollow(a.claim, t.now)
			reserved = reserved || len(t.crowds[t.claims[a.claim].crowd].want) > 1
		}
		if len(t.agenda) == 0 || t.agenda[0].kind != givesUp || t.agenda[0].at.After(t.now) {
			break
		}
		a = t.nextAppointment()
	}
	if reserved {
		t.serve()
	}
}

func (t *rerun) nextAppointment() appointment {
	return heap.Pop(&t.agenda).(appointment) //nolint:forcetypeassert // the heap has nothing else
}

func (t *rerun) comeBack(u *User) {
	u.state.ReleasedAt = t.now
	g := t.groupOf[u]
	at, _ := slices.BinarySearchFunc(g.free, u, CompareRest)
	g.free = slices.Insert(g.free, at, u)
	if slices.ContainsFunc(t.active, func(crowd int) bool { return t.crowds[crowd].wants(g) }) {
		t.serve()
	}
}

// letFollow lets the follower of a claim come, if it has one, after the claim's end.
func (t *rerun) letFollow(claim int, end time.Time) {
	if next, ok := t.followers[claim]; ok {
		heap.Push(&t.agenda, appointment{at: end.Add(next.pause), kind: comes, claim: next.claim})
	}
}

// byPlace compares claims by their places in the line.
func (t *rerun) byPlace(a, b int) int { return cmp.Compare(t.places[a], t.places[b]) }

// leave takes a claim out of the line.
func (t *rerun) leave(claim int) {
	crowd := t.claims[claim].crowd
	at, _ := slices.BinarySearchFunc(t.lines[crowd], claim, t.byPlace)
	t.lines[crowd] = slices.Delete(t.lines[crowd], at, at+1)
	t.waiting -= len(t.crowds[crowd].want)
	if len(t.lines[crowd]) == 0 {
		t.active = slices.DeleteFunc(t.active, func(other int) bool { return other == crowd })
	}
}

// serve serves the line. It passes to [Serve] what can make a difference only, so that a long line and a large pool cost little:
// of each crowd that users are free for, as many claims as there are users, and of each group, as many users as these claims want. If
// one claim gets none of the users, the next one that wants the same gets none either.
func (t *rerun) serve() {
	t.stocked, t.free, t.line, t.want = t.stocked[:0], t.free[:0], t.line[:0], t.want[:0]
	clear(t.touched)
	free, touched := 0, 0
	for _, g := range t.groups {
		if len(g.free) == 0 {
			continue
		}
		wanted := false
		for i, crowd := range t.active {
			if t.crowds[crowd].wants(g) {
				if wanted = true; !t.touched[i] {
					t.touched[i] = true
					touched++
				}
			}
		}
		if wanted {
			t.stocked = append(t.stocked, g)
			free += min(len(g.free), t.waiting)
		}
	}
	most := 0 // how many claims of one crowd may be served
	for i, crowd := range t.active {
		if !t.touched[i] {
			continue
		}
		claims := t.mayServe(crowd)
		most = max(most, claims)
		if touched > 1 { // users are reserved for claims that can't be served
			claims = free
		}
		t.line = append(t.line, t.lines[crowd][:min(len(t.lines[crowd]), claims)]...)
	}
	if most == 0 {
		return
	}
	slices.SortFunc(t.line, t.byPlace)
	selectors := 0
	for _, claim := range t.line {
		want := t.crowds[t.claims[claim].crowd].want
		t.want = append(t.want, want)
		selectors += len(want)
	}
	for _, g := range t.stocked {
		t.free = append(t.free, g.free[:min(len(g.free), selectors)]...)
	}
	for i, users := range Serve(t.want, t.free) {
		if users != nil {
			t.grant(t.line[i], users)
		}
	}
}

// mayServe returns how many claims of a crowd may be served at most: for each of their selectors, a user must be free.
func (t *rerun) mayServe(crowd int) int {
	claims := math.MaxInt
	for _, single := range t.crowds[crowd].singles {
		free := 0
		for _, g := range t.groups {
			if g.fits[single] {
				free += len(g.free)
			}
		}
		claims = min(claims, free)
	}
	return claims
}

func (t *rerun) grant(claim int, users []*User) {
	c := t.claims[claim]
	t.leave(claim)
	t.waits[claim] = t.now.Sub(t.came[claim])
	t.letFollow(claim, t.now.Add(slices.Max(c.held)))
	for i, u := range users {
		g := t.groupOf[u]
		at := slices.Index(g.free, u)
		g.free = slices.Delete(g.free, at, at+1)
		heap.Push(&t.agenda, appointment{at: t.now.Add(c.held[i]), kind: comesBack, user: u})
	}
}

// appointment is something that will happen.
type appointment struct {
	at    time.Time
	kind  kindOfAppointment
	user  *User // that comes back
	claim int   // otherwise
}

// kindOfAppointment says what will happen. Of what happens at one time, the first kind comes first.
type kindOfAppointment int

const (
	comesBack kindOfAppointment = iota // a user
	givesUp                            // a claim, whose patience ends
	comes                              // a claim
)

// agenda is a heap of appointments. Of one kind at one time, any order would do.
type agenda []appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if c := cmp.Or(a[i].at.Compare(a[j].at), cmp.Compare(a[i].kind, a[j].kind), cmp.Compare(a[i].claim, a[j].claim)); c != 0 {
		return c < 0
	}
	return a[i].kind == comesBack && bytes.Compare(a[i].user.state.ID[:], a[j].user.state.ID[:]) < 0
}

// Swap implements [heap.Interface].
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements [heap.Interface].
func (a *agenda) Push(x any) { *a = append(*a, x.(appointment)) } //nolint:forcetypeassert // the heap has nothing else

// Pop implements [heap.Interface].
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}
