package bunstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

var errRefused = errors.New("refused")

func TestOperationsThatArriveDuringACommitShareTheNextInTheOrderOfArrival(t *testing.T) {
	engine, store, ids := newFakeEngine(6)
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)

	var order []domain.UserID
	var answers []<-chan error
	for _, id := range ids[1:] {
		answers = append(answers, startUpdate(t.Context(), t, store, id, func(now time.Time, users []*domain.User) error {
			order = append(order, id)
			return lockOpen(now, users)
		}))
	}
	for _, answer := range append(answers, first) {
		select {
		case <-answer:
			t.Error("a caller was answered before the commit")
		default:
		}
	}
	resume()
	for _, answer := range append(answers, first) {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	if sizes := engine.groupSizes(); !slices.Equal(sizes, []int{1, 5}) {
		t.Errorf("the groups had %v operations, want one and the rest", sizes)
	}
	if !slices.Equal(order, ids[1:]) {
		t.Errorf("decide was called in the order %v, want %v", order, ids[1:])
	}
}

func TestAnOperationSeesTheChangesOfEarlierOnesInItsGroup(t *testing.T) {
	engine, store, ids := newFakeEngine(2)
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	one := startUpdate(t.Context(), t, store, ids[1], lockOpen)
	other := startUpdate(t.Context(), t, store, ids[1], lockOpen)
	release := startUpdate(t.Context(), t, store, ids[1], func(now time.Time, users []*domain.User) error {
		return users[0].ReleaseOpen(now)
	})
	last := startUpdate(t.Context(), t, store, ids[1], lockOpen)
	resume()
	if err := errors.Join(<-first, <-one, <-release, <-last); err != nil {
		t.Error(err)
	}
	if err := <-other; !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("second lock = %v, want %v", err, domain.ErrUserLocked)
	}
	if row := engine.rows[ids[1]]; row.Fence != 2 || len(engine.written) != 2 {
		t.Errorf("fence = %d after %d more commits, want two locks in one commit", row.Fence, len(engine.written)-1)
	}
}

// Each case is one operation that fails between two that succeed.
func TestAnOperationThatFailsDoesNotAffectTheOthersInItsGroup(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	defer leave()
	refused := func(now time.Time, users []*domain.User) error {
		_ = users[0].Restore(now, "")
		_ = users[0].Quarantine(now, "half done")
		return errRefused
	}
	for _, test := range []struct {
		name   string
		ctx    context.Context
		decide ports.Decide
		want   error
	}{
		{"a refusal", t.Context(), refused, errRefused},
		{"a caller that has left", left, func(time.Time, []*domain.User) error { panic("decide was called") }, context.Canceled},
		{"a row that can't be read", t.Context(), lockOpen, ports.ErrUnsealable},
		{"a row that the database rejects", t.Context(), lockOpen, errBadRow},
	} {
		t.Run(test.name, func(t *testing.T) {
			engine, store, ids := newFakeEngine(4)
			if errors.Is(test.want, ports.ErrUnsealable) {
				engine.rows[ids[2]] = Row{UserID: ids[2], Secrets: Secrets{Password: []byte("unreadable")}, Labels: []byte("{}")}
			}
			first, resume := engine.holdCommit(t.Context(), t, store, ids[0], func(changes Changes) error {
				for _, m := range changes.Moved {
					if m.UserID == ids[2] && errors.Is(test.want, errBadRow) {
						return errBadRow
					}
				}
				return nil
			})
			before := startUpdate(t.Context(), t, store, ids[1], lockOpen)
			wrong := startUpdate(test.ctx, t, store, ids[2], test.decide)
			after := startUpdate(t.Context(), t, store, ids[3], lockOpen)
			if test.ctx == left {
				leave()
			} else {
				resume()
			}
			if err := <-wrong; !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if test.ctx == left {
				resume()
			}
			if err := errors.Join(<-first, <-before, <-after); err != nil {
				t.Errorf("another operation: %v", err)
			}
			for i, id := range ids {
				if locked := engine.rows[id].Fence == 1; locked != (i != 2) {
					t.Errorf("user %d locked: %v", i, locked)
				}
				if engine.rows[id].QuarantineReason != "" {
					t.Error("a change of the failed operation was written")
				}
			}
		})
	}
}

// errBadRow is the error of a database that rejects a value in a statement.
var errBadRow = postgresError{state: "22021"}

func TestAllOperationsOfAGroupFailWhenTheDatabaseIsUnavailable(t *testing.T) {
	engine, store, ids := newFakeEngine(3)
	commits := 0
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], func(Changes) error {
		commits++
		return postgresError{state: "53300"}
	})
	one, other := startUpdate(t.Context(), t, store, ids[1], lockOpen), startUpdate(t.Context(), t, store, ids[2], lockOpen)
	resume()
	if err := <-first; err != nil {
		t.Error(err)
	}
	for _, answer := range []<-chan error{one, other} {
		if err := <-answer; !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
		}
	}
	if commits != 1 {
		t.Errorf("%d commits were tried for the group, want one", commits)
	}
}

func TestAPanicReachesOnlyTheCallerOfItsOperation(t *testing.T) {
	engine, store, ids := newFakeEngine(3)
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	panicked := make(chan any, 1)
	before := store.queue.length()
	go func() {
		defer func() { panicked <- recover() }()
		_, _ = store.Update(t.Context(), ports.ByUser(ids[1]), func(time.Time, []*domain.User) error { panic("a bug") })
	}()
	for store.queue.length() == before {
		time.Sleep(time.Millisecond)
	}
	other := startUpdate(t.Context(), t, store, ids[2], lockOpen)
	resume()
	if got := <-panicked; got != "a bug" {
		t.Errorf("the caller got the panic %v", got)
	}
	if err := errors.Join(<-first, <-other); err != nil {
		t.Error(err)
	}
}

func TestACancelledCallerWaitsForTheCommitOfItsDecision(t *testing.T) {
	engine, store, ids := newFakeEngine(1)
	ctx, leave := context.WithCancel(t.Context())
	answer, resume := engine.holdCommit(ctx, t, store, ids[0], nil) // decide has returned, and the commit is about to run
	leave()
	select {
	case err := <-answer:
		t.Errorf("answered %v before the commit", err)
	case <-time.After(20 * time.Millisecond):
	}
	resume()
	if err := <-answer; err != nil {
		t.Errorf("got %v for a committed operation", err)
	}
}

func TestAGroupHasALimit(t *testing.T) {
	engine, store, ids := newFakeEngine(1)
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	var answers []<-chan error
	for range maxGroup + 10 {
		answers = append(answers, startUpdate(t.Context(), t, store, ids[0], func(time.Time, []*domain.User) error { return nil }))
	}
	resume()
	for _, answer := range append(answers, first) {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	if sizes := engine.groupSizes(); !slices.Equal(sizes, []int{1, maxGroup, 10}) {
		t.Errorf("the groups had %v operations", sizes)
	}
}

// The database rejects a row of one operation, and becomes unavailable while each operation is tried alone.
func TestAnUnavailableDatabaseEndsTheTrialOfEachOperationAlone(t *testing.T) {
	engine, store, ids := newFakeEngine(4)
	commits := 0
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], func(Changes) error {
		if commits++; commits == 1 {
			return errBadRow
		}
		return postgresError{state: "53300"}
	})
	var answers []<-chan error
	for _, id := range ids[1:] {
		answers = append(answers, startUpdate(t.Context(), t, store, id, lockOpen))
	}
	resume()
	for _, answer := range answers {
		if err := <-answer; !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
		}
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if commits != 2 {
		t.Errorf("%d commits were tried, want one for the group and one more", commits)
	}
}

func TestACallerThatLeavesTakesItsOperationOutOfTheQueue(t *testing.T) {
	engine, store, ids := newFakeEngine(1)
	first, resume := engine.holdCommit(t.Context(), t, store, ids[0], nil)
	ctx, cancel := context.WithCancel(t.Context())
	var answers []<-chan error
	for range 10 {
		answers = append(answers, startUpdate(ctx, t, store, ids[0], lockOpen))
	}
	cancel()
	for _, answer := range answers {
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if n := store.queue.length(); n != 0 {
		t.Errorf("%d operations of callers that left are in the queue", n)
	}
	resume()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// A group commits before anybody looks for the reasons why its claims came short.
func TestARefusalIsExplainedOutsideOfTheGroup(t *testing.T) {
	engine, store, _ := newFakeEngine(0)
	_, err := store.Claim(t.Context(), ports.Claim{Want: []domain.Selector{{}}, Decide: lockOpen})
	if !errors.Is(err, domain.ErrNoMatch) {
		t.Errorf("got %v, want %v", err, domain.ErrNoMatch)
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	if len(engine.groups) != 2 || engine.groups[0].OneMoment || !engine.groups[1].OneMoment {
		t.Errorf("the transactions were %+v", engine.groups)
	}
	if want := []bool{true}; !slices.Equal(engine.looked, want) {
		t.Errorf("looks were in transactions of one moment: %v, want %v", engine.looked, want)
	}
}

func TestAGroupWhoseCallersHaveAllLeftBeginsNoTransaction(t *testing.T) {
	engine, store, ids := newFakeEngine(1)
	left := &ticket{operation: &ledger.Update{Target: ledger.Target{User: ids[0]}, Decide: lockOpen}, caller: newCaller()}
	left.caller.leave()
	store.runGroup([]*ticket{left, left})
	if groups := engine.groupSizes(); len(groups) != 0 {
		t.Errorf("%d transactions were begun", len(groups))
	}
}
