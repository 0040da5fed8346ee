package bunstore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// claimPatience is how long a claim goes on after users whose rows rivals keep, within the operation's time.
const claimPatience = operationTimeout - time.Second

var (
	// errContended says that users are free by what is committed, but rivals keep their rows, or rows that can't be read hid
	// them from the search; or that somebody else is at the same call.
	errContended = refuse(errors.New("what is needed is there, but was not to be had"))
	// errTaken says that users which were chosen are not free anymore.
	errTaken = refuse(errors.New("the chosen users were taken"))
	// errShort says that too few free users were found, and not yet why.
	errShort = refuse(errors.New("too few free users were found"))
	// errUnexplained says that the reason for that is not to be had within a group.
	errUnexplained = refuse(errors.New("too few free users were found, for a reason that is to be looked for"))
	// errAwaited says that users whom the claim wants are wanted by somebody in line.
	errAwaited = refuse(errors.New("somebody in line is to be served first"))
)

// Claim implements [ports.Users]: it tries, and stands in line if it has to.
func (s *Store) Claim(ctx context.Context, c ports.Claim) ([]*domain.User, error) {
	claim := &claim{came: time.Now(), want: c.Want, once: once{c.Once}, deciding: c.Decide}
	err := errAwaited
	if !s.awaited.has(c.Want) || ctx.Err() != nil {
		err = s.bounded(ctx, "claim", func(ctx context.Context) error { return s.tryClaim(ctx, claim) })
	}
	if errors.Is(err, errAwaited) || c.Wait > 0 && domain.MayPass(err) {
		err = s.stand(ctx, claim, c.Wait, err)
	}
	if err != nil {
		return nil, err
	}
	return claim.users, nil
}

// tryClaim claims without standing in line.
//
// It first tries in a group, with the free users whose rows can be had without waiting. If they do not suffice, rivals may
// keep just the rows that it needs, for claims which they may yet undo: that is no reason to refuse. So it looks at what is
// committed at one moment. If that does not suffice either, it refuses. If it does, it tries with the next group, and then
// on its own: it chooses users, waits for their rows, and begins anew should they be taken by then, which means that a
// rival got one. It gives up when its patience is at an end: whoever asks again later does better than one who queues for a
// database that answers, but has no user to give.
func (s *Store) tryClaim(ctx context.Context, claim *claim) error {
	began := time.Now()
	err := s.queue.do(ctx, claim)
	if errors.Is(err, errContended) || errors.Is(err, errUnexplained) {
		err = s.claimAlone(ctx, began.Add(claimPatience), claim)
	}
	return err
}

// claimAlone goes on until it has users, knows why not, or its patience is at an end.
func (s *Store) claimAlone(ctx context.Context, until time.Time, claim *claim) (err error) {
	patient, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for {
		if claim.chosen, err = s.choose(ctx, claim.want); err != nil {
			return err
		}
		err = s.alone(patient, claim)
		taken := errors.Is(err, errTaken)
		switch outOfPatience := patient.Err() != nil && ctx.Err() == nil; {
		case outOfPatience && (taken || err != nil && !isRefusal(err)):
			return refuse(domain.Exhausted(claim.want))
		case !taken:
			return err
		}
	}
}

// claim is the operation of [Store.Claim].
type claim struct {
	forthright
	came     time.Time
	want     []domain.Selector
	once     once
	chosen   []domain.UserID // waits for these, and claims no others
	deciding ports.Decide

	users []*domain.User // what became of them
}

func (c *claim) size() int { return len(c.want) }

func (c *claim) ask(ask *Ask) {
	c.once.ask(ask)
	ask.Wants = true
	if c.chosen != nil {
		ask.Users = append(ask.Users, c.chosen...)
	} else {
		ask.wants(c.want)
	}
}

func (c *claim) decide(r *round) error {
	if err := c.once.check(r); err != nil {
		return err
	}
	if isAwaited(c.want, r.wants) {
		r.store.awaited.see(r.wants)
		return errAwaited
	}
	var candidates []*domain.User
	offer := func(entries []*entry) {
		for _, e := range entries {
			if e.isFree(r.now) {
				candidates = append(candidates, e.current)
			}
		}
	}
	for _, id := range c.chosen {
		offer(r.named(id))
	}
	for _, selector := range c.want {
		switch {
		case c.chosen != nil:
		case !selector.UserID.IsZero():
			offer(r.named(selector.UserID))
		default:
			offer(r.free(selector, len(c.want)))
		}
	}
	assigned, missing := domain.Assign(c.want, candidates)
	if len(missing) > 0 {
		return errShort
	}
	return c.take(r, assigned)
}

// take lets the domain decide about the users that were found.
func (c *claim) take(r *round, assigned []*domain.User) (err error) {
	entries := make([]*entry, len(assigned))
	for i, u := range assigned {
		entries[i] = r.entries[u.ID()]
	}
	if c.users, err = r.decide(entries, c.deciding); err != nil {
		return err
	}
	r.carried = append(r.carried, c.once.note(r)...)
	return nil
}

// explain tells why a claim came short.
func (c *claim) explain(ctx context.Context, r *round, err error) error {
	switch {
	case !errors.Is(err, errShort):
		return err
	case c.chosen != nil:
		return errTaken
	}
	if len(distinct(c.want)) > 1 {
		return errUnexplained // what several searches see, they see at several moments, none of which may be a reason to refuse
	}
	matching, err := r.look(ctx, c.want[0], len(c.want))
	if err != nil {
		return err
	}
	refusal := domain.Refusal(r.now, c.want, matching)
	if refusal == nil {
		return errContended
	}
	return refuse(cmp.Or(r.passedOver(c.want), refusal))
}
