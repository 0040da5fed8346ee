package domain

import (
	"cmp"
	"slices"
	"time"
)

// Demand is what claims asked of one pool, as the history tells it; see [DemandsOf]. [Demand.Replay] tells what their waits would
// have been with other users.
type Demand struct {
	Pool   Pool
	Claims []PastClaim // in the order in which they came
}

// PastClaim is the part of a claim that users of one pool were, or could have been, for.
type PastClaim struct {
	Owner  string
	Came   time.Time
	Waited time.Duration
	GaveUp bool // after it had waited

	// Want has the selectors. They set no field of the pool, and name no user.
	Want []Selector

	// Held is how long each of the users was held. It is nil for a claim that gave up, of which that is not known.
	Held []time.Duration

	// Particular says that the claim named one of its users, maybe of another pool, by the id, or that it is not known what it was
	// for. More users would not have helped it, or may not have. It takes part in a replay, in which a user that it named is any
	// user, and does not count.
	Particular bool
}

// DemandsOf returns the demand for each pool that events tell of, ordered like the pools of [PoolCount]. events are of the kinds
// [DemandKinds], in the order of the history, until now. A user that is still held was held until now. Claims that gave up count
// in each of pools, and in each pool of the other events, that could have served them.
//
// A claim of several pools counts in each of them with its part.
func DemandsOf(events []Event, pools []Pool, now time.Time) []Demand {
	c := demandCollector{now: now, held: make(map[hold]time.Duration), demands: make(map[Pool]*Demand)}
	for _, e := range events {
		switch e.Kind {
		case UserReleased, UserExpired, UserForced:
			c.held[hold{e.UserID, e.Fence}] = e.Held
		case UserAcquired:
			c.demand(e.Pool)
		default:
		}
	}
	for _, pool := range pools {
		c.demand(pool)
	}
	for _, e := range events {
		switch e.Kind {
		case UserAcquired:
			c.acquired(e)
		case ClaimGaveUp:
			c.gaveUp(e)
		default:
		}
	}
	demands := make([]Demand, 0, len(c.demands))
	for _, d := range c.demands {
		if len(d.Claims) > 0 {
			slices.SortStableFunc(d.Claims, func(a, b PastClaim) int { return a.Came.Compare(b.Came) })
			demands = append(demands, *d)
		}
	}
	slices.SortFunc(demands, func(a, b Demand) int { return comparePools(a.Pool, b.Pool) })
	return demands
}

// DemandKinds are the events that tell of demand.
func DemandKinds() []EventKind {
	return []EventKind{UserAcquired, UserReleased, UserExpired, UserForced, ClaimGaveUp}
}

// hold names one lock of one user.
type hold struct {
	user  UserID
	fence uint64
}

// demandCollector builds demands from events.
type demandCollector struct {
	now     time.Time
	held    map[hold]time.Duration
	demands map[Pool]*Demand

	// The claim whose users are being acquired: its first event, how many of its selectors have their users, and where its
	// parts are. The events of a claim follow each other, but those of pools that the caller did not read are left out.
	claim Event
	next  int
	parts map[Pool]int
}

func (c *demandCollector) demand(pool Pool) *Demand {
	if c.demands[pool] == nil {
		c.demands[pool] = &Demand{Pool: pool}
	}
	return c.demands[pool]
}

func (c *demandCollector) acquired(e Event) {
	if len(e.Want) > 0 {
		c.claim, c.next, c.parts = e, 0, make(map[Pool]int, 1)
	}
	selector, known := c.selectorOf(e)
	held, ended := c.held[hold{e.UserID, e.Fence}]
	if !ended {
		held = max(c.now.Sub(e.At), 0)
	}
	d := c.demand(e.Pool)
	at, begun := c.parts[e.Pool]
	if !known || !begun {
		at = len(d.Claims)
		d.Claims = append(d.Claims, PastClaim{Owner: e.Owner, Came: e.At.Add(-e.Waited), Waited: e.Waited})
	}
	if known {
		c.parts[e.Pool] = at
	}
	part := &d.Claims[at]
	part.Want = append(part.Want, Selector{Labels: selector.Labels})
	part.Held = append(part.Held, held)
	part.Particular = !known || namesUser(c.claim.Want)
}

// selectorOf returns the selector of the claim at hand that a user was acquired for. known is false if the claim is not known: the
// event is of an open lock, was recorded before events had what a claim wants, or the beginning of the claim was not read.
func (c *demandCollector) selectorOf(e Event) (selector Selector, known bool) {
	if !e.At.Equal(c.claim.At) || e.Owner != c.claim.Owner || e.Note != c.claim.Note {
		return Selector{}, false
	}
	for i := c.next; i < len(c.claim.Want); i++ {
		if s := c.claim.Want[i]; s.UserID == e.UserID || s.InPool(e.Pool) {
			c.next = i + 1
			return s, true
		}
	}
	return Selector{}, false
}

func (c *demandCollector) gaveUp(e Event) {
	for pool, d := range c.demands {
		part := PastClaim{
			Owner: e.Owner, Came: e.At.Add(-e.Held - e.Waited), Waited: e.Waited, GaveUp: true, Particular: namesUser(e.Want),
		}
		for _, s := range e.Want {
			if s.InPool(pool) {
				part.Want = append(part.Want, Selector{Labels: s.Labels})
			}
		}
		if len(part.Want) > 0 {
			d.Claims = append(d.Claims, part)
		}
	}
}

func namesUser(want []Selector) bool {
	return slices.ContainsFunc(want, func(s Selector) bool { return !s.UserID.IsZero() })
}

// NewestClaims returns the demands without the claims that came before the n newest of them all. cut reports whether it left any out.
func NewestClaims(demands []Demand, n int) (newest []Demand, cut bool) {
	var came []time.Time
	for _, d := range demands {
		for _, c := range d.Claims {
			came = append(came, c.Came)
		}
	}
	if len(came) <= n {
		return demands, false
	}
	slices.SortFunc(came, time.Time.Compare)
	first := came[len(came)-n]
	for _, d := range demands {
		at := slices.IndexFunc(d.Claims, func(c PastClaim) bool { return !c.Came.Before(first) })
		if at >= 0 {
			newest = append(newest, Demand{Pool: d.Pool, Claims: d.Claims[at:]})
		}
	}
	return newest, true
}

func comparePools(a, b Pool) int {
	return cmp.Or(compareProjects(a.ProjectID, b.ProjectID), cmp.Compare(a.Env, b.Env), cmp.Compare(a.Domain, b.Domain))
}
