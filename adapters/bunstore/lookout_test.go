package bunstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

func TestALookoutTakesALittleAtATime(t *testing.T) {
	const many = 3 * lookAtOnce
	now := time.Unix(1, 0)
	o := lookout{swept: now}
	for i := range many {
		o.users = append(o.users, maybeFree(now, domain.Restore(domain.Snapshot{ID: domain.UserID{byte(i)}}))...)
		o.soon.add(now, []domain.Selector{{Env: fmt.Sprint(i)}, {Env: fmt.Sprint(i)}})
	}
	users, selectors := 0, 0
	for passes := 0; passes < 3; passes++ {
		s := o.take(now, nil)
		if len(s.users) != lookAtOnce || len(s.selectors) != lookAtOnce {
			t.Fatalf("pass %d looks for %d users and %d selectors, want %d of each", passes, len(s.users), len(s.selectors), lookAtOnce)
		}
		users, selectors = users+len(s.users), selectors+len(s.selectors)
		if again := o.take(now, nil); len(again.selectors) > 0 {
			t.Error("a pass that follows at once looks for selectors, too")
		} else {
			o.putBack(again)
		}
		now = now.Add(lookPause)
	}
	if users != many || selectors != many || len(o.users)+len(o.soon.due) > 0 {
		t.Errorf("%d users and %d selectors were looked for, want %d of each, once", users, selectors, many)
	}
}

func TestALookoutLooksAgainForAUserThatIsNotFreeLessAndLessOften(t *testing.T) {
	now := time.Unix(1, 0)
	o := lookout{swept: now, users: maybeFree(now, domain.Restore(domain.Snapshot{ID: domain.UserID{1}}))}
	var waits []time.Duration
	for range 10 {
		s := o.take(now, nil)
		for _, f := range s.users {
			o.lookAgain(now, f)
		}
		if len(o.users) == 0 {
			break
		}
		wait := o.next(now)
		waits = append(waits, wait)
		now = now.Add(wait)
	}
	if want := "[20ms 40ms 80ms 160ms 320ms]"; fmt.Sprint(waits) != want {
		t.Errorf("it looked again after %v, want %s, and then no more", waits, want)
	}
}

func TestALookoutLooksForAllThatWaitNowAndThen(t *testing.T) {
	now := time.Unix(1, 0)
	o := lookout{swept: now}
	all := func() []domain.Selector { return []domain.Selector{{Env: "a"}, {Env: "b"}} }
	if s := o.take(now, all); len(s.selectors) != 0 || o.next(now) != sweepEvery {
		t.Errorf("it looks for %d selectors, and again in %v; want none for %v", len(s.selectors), o.next(now), sweepEvery)
	}
	now = now.Add(sweepEvery)
	if s := o.take(now, all); len(s.selectors) != 2 {
		t.Errorf("it looks for %d selectors, want both", len(s.selectors))
	}
}

func TestASweepPausesAndLetsOthersGoFirst(t *testing.T) {
	now := time.Unix(1, 0)
	var o lookout
	all := func() (many []domain.Selector) {
		for i := range 2 * lookAtOnce {
			many = append(many, domain.Selector{Env: fmt.Sprint(i)})
		}
		return many
	}
	const took = 10 * time.Millisecond
	first := o.take(now, all)
	o.haveLooked(now, first, took)
	o.soon.add(now, []domain.Selector{{Env: "soon"}})
	if len(first.selectors) != lookAtOnce || o.next(now) != lookPause {
		t.Errorf("it looks for %d selectors, and again in %v", len(first.selectors), o.next(now))
	}
	now = now.Add(lookPause)
	if s := o.take(now, all); len(s.selectors) != 1 || s.selectors[0].selector.Env != "soon" {
		t.Errorf("during a sweep, it looks for %v first", s.selectors)
	}
	if want := sweepPause*took - lookPause; o.next(now) != want {
		t.Errorf("the sweep goes on in %v, want %v", o.next(now), want)
	}
	now = now.Add(o.next(now))
	last := o.take(now, all)
	if len(last.selectors) != lookAtOnce || len(o.sweep.due) > 0 {
		t.Errorf("it looks for %d selectors, and %d are left", len(last.selectors), len(o.sweep.due))
	}
	o.putBack(last)
	if now = now.Add(lookPause); len(o.take(now, all).selectors) != lookAtOnce {
		t.Error("what a pass that failed looked for is not looked for again")
	}
}
