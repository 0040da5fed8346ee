package app_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
)

// answer is the result of an acquire and its time.
type answer struct {
	name  string
	lease domain.Lease
	err   error
	at    time.Time
}

// line starts acquires one after the other, which then wait in line.
type line struct {
	t       *testing.T
	farm    *app.Farm
	answers chan answer
}

func newLine(t *testing.T, farm *app.Farm) *line {
	return &line{t: t, farm: farm, answers: make(chan answer, 100)}
}

func (l *line) join(name string, wait time.Duration, want ...domain.Selector) {
	l.joinUntil(l.t.Context(), name, wait, want...)
}

func (l *line) joinUntil(ctx context.Context, name string, wait time.Duration, want ...domain.Selector) {
	go func() {
		lease, err := l.farm.Acquire(ctx, want, domain.Terms{Owner: name, TTL: time.Minute, Wait: wait}, noKey)
		l.answers <- answer{name: name, lease: lease, err: err, at: time.Now()}
	}()
	synctest.Wait()
}

// wantAnswers fails the test unless exactly these acquires have returned, in this order.
func (l *line) wantAnswers(names ...string) []answer {
	l.t.Helper()
	synctest.Wait()
	var answers []answer
	var got []string
	for len(l.answers) > 0 {
		a := <-l.answers
		answers, got = append(answers, a), append(got, a.name)
	}
	if !slices.Equal(got, names) {
		l.t.Fatalf("%v were answered, want %v", got, names)
	}
	return answers
}

// wantBoth is wantAnswers for two acquires in any order.
func (l *line) wantBoth(one, other string) []answer {
	l.t.Helper()
	synctest.Wait()
	if len(l.answers) != 2 {
		l.t.Fatalf("%d were answered, want %s and %s", len(l.answers), one, other)
	}
	return []answer{<-l.answers, <-l.answers}
}

func TestTheFirstWaiterIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		lease, line := acquire(t, farm, anyone, domain.Terms{}), newLine(t, farm)
		line.join("first", time.Minute, anyone...)
		time.Sleep(2 * time.Second)
		line.join("second", time.Minute, anyone...)
		time.Sleep(time.Second)
		line.wantAnswers()
		if pools, err := farm.Pools(t.Context()); err != nil || pools[0].Waiting != 2 || pools[0].LongestWait != 3*time.Second {
			t.Errorf("pools = %+v, %v; want two in line for three seconds", pools, err)
		}

		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := farm.Acquire(t.Context(), anyone, domain.Terms{}, noKey); !errors.Is(err, domain.ErrPoolExhausted) {
			t.Errorf("an acquire that does not wait = %v: it was served before a waiter", err)
		}
		first := line.wantAnswers("first")[0]
		if first.err != nil || first.lease.Users[0].Fence != 2 || !first.lease.AcquiredAt.Equal(time.Now()) {
			t.Errorf("first = %+v", first)
		}
		// This user is not released. The wait of the second acquire ends before the lease expires.
		time.Sleep(59 * time.Second)
		if second := line.wantAnswers("second")[0]; !errors.Is(second.err, domain.ErrPoolExhausted) || second.at.Sub(first.at) != 59*time.Second {
			t.Errorf("second = %+v", second)
		}
	})
}

func TestAnExpiryServesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		lease, line := acquire(t, farm, anyone, domain.Terms{TTL: 10 * time.Second}), newLine(t, farm)
		line.join("in time", 10*time.Second, anyone...)
		line.join("too late", 10*time.Second, anyone...)
		time.Sleep(10*time.Second - time.Microsecond)
		line.wantAnswers()
		time.Sleep(time.Microsecond)
		for _, a := range line.wantBoth("in time", "too late") {
			switch {
			case !a.at.Equal(lease.ExpiresAt):
				t.Errorf("%s was answered at %v, want %v", a.name, a.at, lease.ExpiresAt)
			case a.name == "in time" && a.err != nil, a.name == "too late" && !errors.Is(a.err, domain.ErrPoolExhausted):
				t.Errorf("%s got %v", a.name, a.err)
			}
		}
	})
}

func TestAWaiterThatLeavesGetsNoUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t, "ann")
		lease, line := acquire(t, farm, anyone, domain.Terms{}), newLine(t, farm)
		ctx, cancel := context.WithCancel(t.Context())
		line.joinUntil(ctx, "cancelled", time.Minute, anyone...)
		line.join("short wait", time.Second, anyone...)
		line.join("long wait", time.Minute, anyone...)
		time.Sleep(time.Second)
		if a := line.wantAnswers("short wait")[0]; !errors.Is(a.err, domain.ErrPoolExhausted) {
			t.Errorf("short wait got %v", a.err)
		}
		cancel()
		if err := farm.Release(t.Context(), lease.ID); err != nil {
			t.Fatal(err)
		}
		for _, a := range line.wantBoth("cancelled", "long wait") {
			if a.name == "cancelled" && !errors.Is(a.err, context.Canceled) || a.name == "long wait" && a.err != nil {
				t.Errorf("%s got %v", a.name, a.err)
			}
		}
	})
}

func TestAUserIsReservedForAWaiterThatNeedsTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm := newFarm(t)
		ann := create(t, farm, "ann")
		bob := create(t, farm, "bob")
		hasAnn := acquire(t, farm, []domain.Selector{{UserID: ann}}, domain.Terms{})
		hasBob := acquire(t, farm, []domain.Selector{{UserID: bob}}, domain.Terms{})
		line := newLine(t, farm)
		line.join("both", time.Minute, anyone[0], anyone[0])
		line.join("one", time.Minute, anyone...)
		line.join("bob", time.Minute, domain.Selector{UserID: bob})
		for _, lease := range []domain.Lease{hasAnn, hasBob} {
			line.wantAnswers()
			if err := farm.Release(t.Context(), lease.ID); err != nil {
				t.Fatal(err)
			}
		}
		both := line.wantAnswers("both")[0]
		if err := farm.Release(t.Context(), both.lease.ID); err != nil {
			t.Fatal(err)
		}
		for _, a := range line.wantBoth("one", "bob") {
			if a.err != nil || (a.name == "bob") != (a.lease.Users[0].ID == bob) {
				t.Errorf("%s got %+v, %v", a.name, a.lease, a.err)
			}
		}
	})
}

func TestRefusalsThatCanNotPassAreReturnedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		farm, began := newFarm(t), time.Now()
		terms := domain.Terms{Wait: time.Minute}
		if _, err := farm.Acquire(t.Context(), anyone, terms, noKey); !errors.Is(err, domain.ErrNoMatch) {
			t.Errorf("acquire in an empty farm = %v", err)
		}
		if _, err := farm.Acquire(t.Context(), []domain.Selector{{UserID: domain.UserID{9}}}, terms, noKey); !errors.Is(err, domain.ErrUserNotFound) {
			t.Errorf("acquire of an unknown user = %v", err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the refusals took %v", waited)
		}

		id, line := create(t, farm, "ann"), newLine(t, farm)
		if _, err := farm.Quarantine(t.Context(), id, "broken"); err != nil {
			t.Fatal(err)
		}
		line.join("quarantined", time.Minute, domain.Selector{UserID: id})
		line.wantAnswers()
		if _, err := farm.Restore(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		if a := line.wantAnswers("quarantined")[0]; a.err != nil {
			t.Errorf("after the restore = %v", a.err)
		}
		line.join("newcomer", time.Minute, anyone...)
		create(t, farm, "bob")
		if a := line.wantAnswers("newcomer")[0]; a.err != nil || a.lease.Users[0].Login != "bob" {
			t.Errorf("after another was created = %v", a.err)
		}

		_, err := farm.Acquire(t.Context(), anyone, domain.Terms{Wait: domain.MaxWait + time.Second}, noKey)
		wantFields(t, err, "/wait_seconds")
	})
}
