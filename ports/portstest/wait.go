package portstest

import (
	"context"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// answerTimeout is how long a test waits for an answer. Only a test that fails waits that long.
const answerTimeout = 30 * time.Second

// waiter is a claim that waits in line.
type waiter struct {
	f      *farm
	leave  context.CancelFunc
	answer chan answer
}

type answer struct {
	lease domain.Lease
	err   error
}

// stand puts a claim in line, behind all waiters, with the longest wait that is allowed.
func (f *farm) stand(want ...domain.Selector) *waiter {
	f.Helper()
	return f.standFor(ports.Claim{Want: want, Wait: domain.MaxWait})
}

// standFor puts a claim in line. Without a Decide, it grants a lease for an hour.
func (f *farm) standFor(claim ports.Claim) *waiter {
	f.Helper()
	before := f.waiting()
	w := f.start(claim)
	late := time.After(answerTimeout)
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

// start makes a claim. It does not wait until the claim is in line.
func (f *farm) start(claim ports.Claim) *waiter {
	ctx, leave := context.WithCancel(f.Context())
	w := &waiter{f: f, leave: leave, answer: make(chan answer, 1)}
	go func() {
		lease, err := f.carryOut(ctx, claim)
		w.answer <- answer{lease, err}
	}()
	return w
}

// carryOut makes a claim. Without a Decide, it grants a lease for an hour.
func (f *farm) carryOut(ctx context.Context, claim ports.Claim) (lease domain.Lease, err error) {
	if claim.Decide == nil {
		id := domain.NewLeaseID()
		claim.Decide = func(now time.Time, users []*domain.User) (err error) {
			lease, err = domain.Grant(now, id, domain.Terms{Owner: "waiter", TTL: time.Hour}, users)
			return err
		}
	}
	if _, err := f.store.Claim(ctx, claim); err != nil {
		return domain.Lease{}, err
	}
	return lease, nil
}

// waiting returns the number of waiters, summed over all pools.
func (f *farm) waiting() (sum int) {
	f.Helper()
	counts, err := f.store.CountPools(f.Context(), domain.Scope{})
	f.must(err)
	for _, count := range counts {
		sum += count.Waiting
	}
	return sum
}

// end waits for the outcome of a claim.
func (w *waiter) end() (domain.Lease, error) {
	w.f.Helper()
	select {
	case a := <-w.answer:
		return a.lease, a.err
	case <-time.After(answerTimeout):
		w.f.Fatal("a claim is still waiting")
		return domain.Lease{}, nil
	}
}

// served returns the lease of a claim. It fails the test if the claim gets none.
func (w *waiter) served() domain.Lease {
	w.f.Helper()
	lease, err := w.end()
	if err != nil {
		w.f.Fatalf("a claim in line was refused: %v", err)
	}
	return lease
}

// leaveNow cancels a claim, and returns when the claim has left the line.
func (w *waiter) leaveNow() {
	w.f.Helper()
	before := w.f.waiting()
	w.leave()
	_, err := w.end()
	w.f.wantErr("a claim that was cancelled", err, context.Canceled)
	w.f.shrinks(before)
}

// shrinks waits until fewer claims are counted in line. A claim that has left may still be counted for a moment.
func (f *farm) shrinks(before int) {
	f.Helper()
	late := time.After(answerTimeout)
	for f.waiting() >= before {
		select {
		case <-late:
			f.Fatal("a claim that has left is still in line")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// advanceInLine is advance while claims wait in line for longer. It returns when they are counted again, because a store may
// take a process for dead if it was silent for so long.
func (f *farm) advanceInLine(d time.Duration) {
	f.Helper()
	before := f.waiting()
	f.advance(d)
	late := time.After(answerTimeout)
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
	time.Sleep(5 * time.Millisecond) // gives a faulty store time to answer
	for i, w := range waiters {
		select {
		case a := <-w.answer:
			f.Fatalf("claim %d does not wait anymore; its error is %v", i, a.err)
		default:
		}
	}
}
