package portstest

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// patience is how long a test waits for an answer that must come; only a failing test waits so long.
const patience = 30 * time.Second

// waiter is a claim that stands in line.
type waiter struct {
	f      *farm
	leave  context.CancelFunc
	answer chan answer
}

type answer struct {
	lease domain.Lease
	err   error
}

// stand puts a claim in line, behind all that stand there, for as long as claims may.
func (f *farm) stand(want ...domain.Selector) *waiter {
	f.Helper()
	return f.standFor(ports.Claim{Want: want, Wait: domain.MaxWait})
}

// standFor puts a claim in line, which is granted a lease for an hour if it says nothing else.
func (f *farm) standFor(claim ports.Claim) *waiter {
	f.Helper()
	before := f.waiting()
	w := f.start(claim)
	late := time.After(patience)
	for f.waiting() <= before {
		select {
		case a := <-w.answer:
			f.Fatalf("a claim of %+v did not wait; its error is %v", claim.Want, a.err)
		case <-late:
			f.Fatalf("a claim of %+v is not in line", claim.Want)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return w
}

// start makes a claim and does not wait until it stands in line.
func (f *farm) start(claim ports.Claim) *waiter {
	ctx, leave := context.WithCancel(f.Context())
	w := &waiter{f: f, leave: leave, answer: make(chan answer, 1)}
	go func() {
		lease, err := f.carryOut(ctx, claim)
		w.answer <- answer{lease, err}
	}()
	return w
}

// carryOut makes a claim, which is granted a lease for an hour if it says nothing else.
func (f *farm) carryOut(ctx context.Context, claim ports.Claim) (lease domain.Lease, err error) {
	if claim.Decide == nil {
		id := domain.NewLeaseID()
		claim.Decide = func(now time.Time, users []*domain.User) (err error) {
			lease, err = domain.Grant(now, id, domain.Terms{Owner: "who waits", TTL: time.Hour}, users)
			return err
		}
	}
	if _, err := f.store.Claim(ctx, claim); err != nil {
		return domain.Lease{}, err
	}
	return lease, nil
}

// waiting returns the sum of those in line over all pools.
func (f *farm) waiting() (sum int) {
	f.Helper()
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	for _, count := range counts {
		sum += count.Waiting
	}
	return sum
}

// end returns what became of a claim.
func (w *waiter) end() (domain.Lease, error) {
	w.f.Helper()
	select {
	case a := <-w.answer:
		return a.lease, a.err
	case <-time.After(patience):
		w.f.Fatal("a claim is still waiting")
		return domain.Lease{}, nil
	}
}

// served returns the lease of a claim that must get one.
func (w *waiter) served() domain.Lease {
	w.f.Helper()
	lease, err := w.end()
	if err != nil {
		w.f.Fatalf("a claim in line was refused: %v", err)
	}
	return lease
}

// leaveNow lets a claim go, and returns when it has.
func (w *waiter) leaveNow() {
	w.f.Helper()
	before := w.f.waiting()
	w.leave()
	_, err := w.end()
	w.f.wantErr("a claim that was cancelled", err, context.Canceled)
	w.f.shrinks(before)
}

// shrinks waits until fewer are counted in line. Who has left it may be counted a little longer.
func (f *farm) shrinks(before int) {
	f.Helper()
	late := time.After(patience)
	for f.waiting() >= before {
		select {
		case <-late:
			f.Fatal("a claim that has left is still in line")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// advanceInLine is advance while claims stand in line for longer. It returns when they are counted again: a store may take
// a process for dead that has said nothing for so long.
func (f *farm) advanceInLine(d time.Duration) {
	f.Helper()
	before := f.waiting()
	f.advance(d)
	late := time.After(patience)
	for f.waiting() < before {
		select {
		case <-late:
			f.Fatal("a claim has left the line")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// wantWaiting fails the test if one of these claims has an answer.
func (f *farm) wantWaiting(waiters ...*waiter) {
	f.Helper()
	time.Sleep(5 * time.Millisecond) // lets a store make its mistake
	for i, w := range waiters {
		select {
		case a := <-w.answer:
			f.Fatalf("claim %d waits no more; its error is %v", i, a.err)
		default:
		}
	}
}
