package bunstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

var errRefused = errors.New("refused")

func TestWhatArrivesDuringACommitRidesInTheNextInTheOrderOfItsComing(t *testing.T) {
	desk, store, ids := newDesk(6)
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], nil)

	var order []domain.UserID
	var answers []<-chan error
	for _, id := range ids[1:] {
		answers = append(answers, begin(t.Context(), t, store, id, func(now time.Time, users []*domain.User) error {
			order = append(order, id)
			return lockOpen(now, users)
		}))
	}
	for _, answer := range append(answers, first) {
		select {
		case <-answer:
			t.Error("somebody was answered before the commit")
		default:
		}
	}
	goOn()
	for _, answer := range append(answers, first) {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	if sizes := desk.groupSizes(); !slices.Equal(sizes, []int{1, 5}) {
		t.Errorf("the groups had %v operations, want one and the rest", sizes)
	}
	if !slices.Equal(order, ids[1:]) {
		t.Errorf("decided in the order %v, want %v", order, ids[1:])
	}
}

func TestOperationsOfAGroupSeeWhatThoseBeforeThemDid(t *testing.T) {
	desk, store, ids := newDesk(2)
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], nil)
	one := begin(t.Context(), t, store, ids[1], lockOpen)
	other := begin(t.Context(), t, store, ids[1], lockOpen)
	release := begin(t.Context(), t, store, ids[1], func(now time.Time, users []*domain.User) error {
		return users[0].ReleaseOpen(now)
	})
	last := begin(t.Context(), t, store, ids[1], lockOpen)
	goOn()
	if err := errors.Join(<-first, <-one, <-release, <-last); err != nil {
		t.Error(err)
	}
	if err := <-other; !errors.Is(err, domain.ErrUserLocked) {
		t.Errorf("second lock = %v, want %v", err, domain.ErrUserLocked)
	}
	if row := desk.rows[ids[1]]; row.Fence != 2 || len(desk.written) != 2 {
		t.Errorf("fence = %d after %d commits, want two locks in one", row.Fence, len(desk.written)-1)
	}
}

// Each case is one operation that goes wrong between two that don't.
func TestOneOperationTouchesNoOther(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
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
		{"a caller who has gone", gone, func(time.Time, []*domain.User) error { panic("decided for nobody") }, context.Canceled},
		{"a row that can't be read", t.Context(), lockOpen, ports.ErrUnsealable},
		{"what the database refuses to write", t.Context(), lockOpen, errBadRow},
	} {
		t.Run(test.name, func(t *testing.T) {
			desk, store, ids := newDesk(4)
			if errors.Is(test.want, ports.ErrUnsealable) {
				desk.rows[ids[2]] = Row{UserID: ids[2], Secrets: Secrets{Password: []byte("unreadable")}, Labels: []byte("{}")}
			}
			first, goOn := desk.occupy(t.Context(), t, store, ids[0], func(changes Changes) error {
				for _, m := range changes.Moved {
					if m.UserID == ids[2] && errors.Is(test.want, errBadRow) {
						return errBadRow
					}
				}
				return nil
			})
			before := begin(t.Context(), t, store, ids[1], lockOpen)
			wrong := begin(test.ctx, t, store, ids[2], test.decide)
			after := begin(t.Context(), t, store, ids[3], lockOpen)
			if test.ctx == gone {
				leave()
			} else {
				goOn()
			}
			if err := <-wrong; !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if test.ctx == gone {
				goOn()
			}
			if err := errors.Join(<-first, <-before, <-after); err != nil {
				t.Errorf("a neighbour: %v", err)
			}
			for i, id := range ids {
				if locked := desk.rows[id].Fence == 1; locked != (i != 2) {
					t.Errorf("user %d locked: %v", i, locked)
				}
				if desk.rows[id].QuarantineReason != "" {
					t.Error("what was refused was written")
				}
			}
		})
	}
}

// errBadRow is an error of the database about what a statement says.
var errBadRow = postgresError{state: "22021"}

func TestADatabaseThatIsAwayIsTheAnswerToAll(t *testing.T) {
	desk, store, ids := newDesk(3)
	commits := 0
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], func(Changes) error {
		commits++
		return postgresError{state: "53300"}
	})
	one, other := begin(t.Context(), t, store, ids[1], lockOpen), begin(t.Context(), t, store, ids[2], lockOpen)
	goOn()
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

func TestAPanicIsItsCallersAlone(t *testing.T) {
	desk, store, ids := newDesk(3)
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], nil)
	panicked := make(chan any, 1)
	before := store.queue.length()
	go func() {
		defer func() { panicked <- recover() }()
		_, _ = store.Update(t.Context(), ports.ByUser(ids[1]), func(time.Time, []*domain.User) error { panic("a bug") })
	}()
	for store.queue.length() == before {
		time.Sleep(time.Millisecond)
	}
	neighbour := begin(t.Context(), t, store, ids[2], lockOpen)
	goOn()
	if got := <-panicked; got != "a bug" {
		t.Errorf("the caller saw %v", got)
	}
	if err := errors.Join(<-first, <-neighbour); err != nil {
		t.Error(err)
	}
}

func TestNoCallerGoesOnWhileItsDecisionIsPending(t *testing.T) {
	desk, store, ids := newDesk(1)
	ctx, leave := context.WithCancel(t.Context())
	answer, goOn := desk.occupy(ctx, t, store, ids[0], nil) // decided, and about to be committed
	leave()
	select {
	case err := <-answer:
		t.Errorf("answered %v before the commit", err)
	case <-time.After(20 * time.Millisecond):
	}
	goOn()
	if err := <-answer; err != nil {
		t.Errorf("got %v for what was committed", err)
	}
}

func TestAGroupHasALimit(t *testing.T) {
	desk, store, ids := newDesk(1)
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], nil)
	var answers []<-chan error
	for range maxGroup + 10 {
		answers = append(answers, begin(t.Context(), t, store, ids[0], func(time.Time, []*domain.User) error { return nil }))
	}
	goOn()
	for _, answer := range append(answers, first) {
		if err := <-answer; err != nil {
			t.Error(err)
		}
	}
	if sizes := desk.groupSizes(); !slices.Equal(sizes, []int{1, maxGroup, 10}) {
		t.Errorf("groups of %v operations", sizes)
	}
}

// The database refuses what one operation wrote, and goes away while each is tried on its own.
func TestADatabaseThatGoesAwayIsNotAskedForEach(t *testing.T) {
	desk, store, ids := newDesk(4)
	commits := 0
	first, goOn := desk.occupy(t.Context(), t, store, ids[0], func(Changes) error {
		if commits++; commits == 1 {
			return errBadRow
		}
		return postgresError{state: "53300"}
	})
	var answers []<-chan error
	for _, id := range ids[1:] {
		answers = append(answers, begin(t.Context(), t, store, id, lockOpen))
	}
	goOn()
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
