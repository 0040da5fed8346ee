package domain

import (
	"slices"
	"time"
)

// asksAgainWithin is how soon a worker asks again after its last test has ended. What its owner asks for later belongs to another run.
const asksAgainWithin = time.Minute

// follower is a claim that comes when the one before of the same worker has ended. A worker that waits less asks again sooner.
type follower struct {
	claim int
	pause time.Duration // from the end of the one before
}

// followersOf returns the follower of each claim that has one, by the index of the claim. Claims follow each other if they have the same
// owner, and this owner never had two at a time: others are no worker, but share a name.
func followersOf(claims []PastClaim) map[int]follower {
	latest, parallel := make(map[string]int), make(map[string]bool)
	for i, c := range claims {
		before, known := latest[c.Owner]
		parallel[c.Owner] = parallel[c.Owner] || c.Owner == "" || known && claims[before].ended().After(c.Came)
		latest[c.Owner] = i
	}
	clear(latest)
	followers := make(map[int]follower)
	for i, c := range claims {
		if parallel[c.Owner] {
			continue
		}
		if before, known := latest[c.Owner]; known {
			if pause := c.Came.Sub(claims[before].ended()); pause <= asksAgainWithin {
				followers[before] = follower{i, pause}
			}
		}
		latest[c.Owner] = i
	}
	return followers
}

// ended is when the claim gave up, or when the last of its users came back.
func (c PastClaim) ended() time.Time {
	end := c.Came.Add(c.Waited)
	if len(c.Held) > 0 {
		end = end.Add(slices.Max(c.Held))
	}
	return end
}
