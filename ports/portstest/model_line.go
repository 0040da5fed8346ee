package portstest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// maxLine is how many claims of a case may be in line at a time.
const maxLine = 2

// modelWaiter is a claim for one user that stands in line.
type modelWaiter struct {
	want  domain.Selector
	terms drawnTerms
	id    domain.LeaseID
	leave context.CancelFunc

	// What the claim returned, and when it was granted. It is there once ended is closed.
	ended     chan struct{}
	users     []*domain.User
	err       error
	decidedAt time.Time
}

func (w *modelWaiter) isOver() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// stand puts a claim in line, if the model says that it would wait.
func (m *machine) stand(t *rapid.T) {
	scope := m.drawScope(t)
	var wants []domain.Selector
	for _, u := range m.model.users {
		for _, want := range []domain.Selector{
			{UserID: u.ID}, {ProjectID: u.Pool.ProjectID, Env: u.Pool.Env}, {Domain: u.Pool.Domain}, {Labels: u.Labels},
		} {
			if want = want.In(scope); m.model.mustWait(want) {
				wants = append(wants, want)
			}
		}
	}
	if len(m.line) == maxLine || len(wants) == 0 {
		return
	}
	m.line = append(m.line, m.join(t, rapid.SampledFrom(wants).Draw(t, "want"), m.drawTerms(t)))
}

// join puts a claim in line that has to wait.
func (m *machine) join(t *rapid.T, want domain.Selector, terms drawnTerms) *modelWaiter {
	ctx, leave := context.WithCancel(m.Context())
	w := &modelWaiter{want: want, terms: terms, id: domain.NewLeaseID(), leave: leave, ended: make(chan struct{})}
	claim := ports.Claim{Want: []domain.Selector{want}, Wait: domain.MaxWait, Decide: func(now time.Time, users []*domain.User) error {
		w.decidedAt = now
		_, err := domain.Grant(now, w.id, w.terms.Terms, users)
		return err
	}}
	before := m.countWaiting(t)
	go func() {
		defer close(w.ended)
		w.users, w.err = m.store.Claim(ctx, claim)
	}()
	m.await(t, "a claim to be in line", func() bool { return w.isOver() || m.countWaiting(t) > before })
	if w.isOver() {
		t.Fatalf("a claim of %+v did not wait; its error is %v", want, w.err)
	}
	return w
}

// showExpiry lets the line see when the next lock expires. A store may look for that only once a second, which is the least time
// to live of real leases. Those of the model are shorter, so a claim joins the line and leaves again.
func (m *machine) showExpiry(t *rapid.T) {
	if len(m.line) == 0 {
		return
	}
	before := m.countWaiting(t)
	w := m.join(t, m.line[0].want, m.line[0].terms)
	w.leave()
	m.await(t, "a claim to leave the line", func() bool { return w.isOver() && m.countWaiting(t) == before })
}

// countWaiting returns how many claims are in line, each counted in every pool that it may be served from.
func (m *machine) countWaiting(t *rapid.T) (sum int) {
	counts, err := m.store.CountPools(m.Context(), domain.Only(m.projects[:]...))
	m.expect(t, err, nil)
	for _, count := range counts {
		sum += count.Waiting
	}
	return sum
}

// serveLine awaits the answers of the claims in line that the model serves: as many as can be, the first in line first, with
// the most rested users among all ways to do so. Which of several claims gets which of these users is the store's choice.
func (m *machine) serveLine(t *rapid.T) {
	var served []*modelWaiter
	var wants []domain.Selector
	free := m.model.free()
	for _, w := range m.line {
		if more := append(slices.Clone(wants), w.want); len(choose(more, free)) == len(more) {
			served, wants = append(served, w), more
		}
	}
	var got []domain.UserID
	for _, w := range served {
		m.await(t, "a claim in line to be served", w.isOver)
		if w.err != nil || w.decidedAt != m.model.now {
			t.Fatalf("a claim of %+v in line was decided at %v with the error %v, want that it is granted at %v",
				w.want, w.decidedAt, w.err, m.model.now)
		}
		got = append(got, w.users[0].ID())
	}
	if len(served) == 0 {
		return
	}
	if err := m.model.checkGranted(wants, got, free, choose(wants, free)); err != nil {
		t.Fatalf("claims in line: %v", err)
	}
	for i, w := range served {
		m.grant(w.id, w.terms, got[i:i+1])
	}
	m.line = slices.DeleteFunc(m.line, func(w *modelWaiter) bool { return slices.Contains(served, w) })
}

// refuseHopeless awaits the answers of the claims in line that no user could satisfy.
func (m *machine) refuseHopeless(t *rapid.T) {
	m.line = slices.DeleteFunc(m.line, func(w *modelWaiter) bool {
		if slices.ContainsFunc(m.model.users, func(u domain.Snapshot) bool { return wants(w.want, u) }) {
			return false
		}
		m.await(t, "a hopeless claim to be refused", w.isOver)
		reason := domain.ErrNoMatch
		if !w.want.UserID.IsZero() {
			reason = domain.ErrUserNotFound
		}
		m.expect(t, w.err, reason)
		return true
	})
}

// dismissAll lets all claims leave the line, whatever became of the case: the next case begins without them.
func (m *machine) dismissAll(t *rapid.T) {
	for _, w := range m.line {
		w.leave()
	}
	for _, w := range m.line {
		m.await(t, "a claim to leave the line", w.isOver)
		if !errors.Is(w.err, context.Canceled) && !t.Failed() {
			t.Fatalf("a claim that left the line got users %v and error %v", ids(w.users), w.err)
		}
	}
	m.await(t, "the line to be empty", func() bool { return m.countWaiting(t) == 0 })
}

// shrinkTime is how much time a case takes that fails because something does not happen, as far as rapid can tell where the process
// has a clock that stands still: it takes long, so rapid is to look for few smaller ones.
const shrinkTime = 10 * time.Second

// await returns when a condition holds, and fails the case if it does not for a long time. It does not sleep: where the process
// has a clock that stands still, a sleep would move it.
func (m *machine) await(t *rapid.T, what string, holds func() bool) {
	for range 30_000 {
		if holds() {
			return
		}
		m.now() // takes a store about as long as a step of a claim
		runtime.Gosched()
	}
	m.advance(shrinkTime)
	t.Fatalf("%s: this did not happen", what)
}

// mustWait reports whether a claim for one user stands in line: its user, or one that it matches, is there, but none is free.
func (m *model) mustWait(want domain.Selector) bool {
	matches := func(u domain.Snapshot) bool { return wants(want, u) }
	return slices.ContainsFunc(m.users, matches) && !slices.ContainsFunc(m.free(), matches)
}
