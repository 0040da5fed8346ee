package portstest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// TestJumpingClock tests that a store grants no user to two callers at a time while its clock jumps, in both directions. It is
// for a store whose clock can: Advance may be negative here.
func TestJumpingClock(t *testing.T, newSubject Factory) {
	for seed := range uint64(3) {
		f := newFarm(t, newSubject(t))
		random := rand.New(rand.NewPCG(seed, 27)) //nolint:gosec // a test that can be repeated
		f.addMany(3)
		j := jumps{farm: f, held: make(map[domain.UserID]domain.Lease)}
		for range 120 {
			switch random.IntN(7) {
			case 0:
				f.advance(time.Duration(random.Int64N(int64(2 * time.Hour))))
			case 1:
				f.advance(-time.Duration(random.Int64N(int64(2 * time.Hour))))
			case 2:
				j.end(random)
			case 3:
				j.endExpired()
			default:
				j.acquire(time.Second + time.Duration(random.Int64N(int64(time.Hour))))
			}
		}
		// Nobody is lost: when the clock has passed all that it ever told, everybody can be acquired.
		f.advance(10 * 24 * time.Hour)
		f.acquire(times(3, anyone)...)
	}
}

// jumps remembers who holds which user.
type jumps struct {
	*farm
	held  map[domain.UserID]domain.Lease // the latest lease of each user that has not been released
	ended []domain.LeaseID               // leases whose user has another one since, or that were released
}

// acquire acquires a user, if one is free, whose lease before must be over by the store's clock.
func (j *jumps) acquire(ttl time.Duration) {
	j.Helper()
	lease, err := j.tryAcquireFor(ttl.Truncate(instant), anyone)
	if errors.Is(err, domain.ErrPoolExhausted) {
		return
	}
	j.must(err)
	user := lease.Users[0]
	if before, held := j.held[user.ID]; held {
		if lease.AcquiredAt.Before(before.ExpiresAt) {
			j.Fatalf("a lease from %v on has a user that was held until %v", lease.AcquiredAt, before.ExpiresAt)
		}
		if user.Fence <= before.Users[0].Fence {
			j.Fatalf("fence %d follows %d", user.Fence, before.Users[0].Fence)
		}
		j.ended = append(j.ended, before.ID)
	}
	j.held[user.ID] = lease
	j.check()
}

// endExpired writes down which leases are over. They stay over, also if the clock is set back to before their end.
func (j *jumps) endExpired() {
	j.Helper()
	now := j.now()
	_, err := j.store.EndExpired(j.Context())
	j.must(err)
	for id, lease := range j.held {
		if !lease.ExpiresAt.After(now) {
			delete(j.held, id)
			j.ended = append(j.ended, lease.ID)
		}
	}
}

// end releases a lease, by force or not.
func (j *jumps) end(random *rand.Rand) {
	j.Helper()
	for id, lease := range j.held {
		err := j.release(lease.ID)
		if random.IntN(2) == 0 && err == nil {
			err = j.forceRelease(id)
		}
		if err != nil {
			j.wantErr("release", err, domain.ErrLeaseExpired)
			continue
		}
		delete(j.held, id)
		j.ended = append(j.ended, lease.ID)
		break
	}
	j.check()
}

// check fails the test if a lease that lost its user is valid again, whatever the time is.
func (j *jumps) check() {
	j.Helper()
	for _, id := range j.ended {
		if _, err := j.read(id); !errors.Is(err, domain.ErrLeaseExpired) {
			j.Fatalf("a lease that ended, read: %v", err)
		}
	}
}
