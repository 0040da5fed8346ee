package bunstore

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/domain/ledger"
	"github.com/userfarm/userfarm/ports"
)

// If the answer to a commit is lost, the next pass must not grant its claim other users.
func TestAClaimIsGrantedOnceIfTheAnswerToItsCommitIsLost(t *testing.T) {
	engine, store, ids := newFakeEngine(2)
	anyone := []domain.Selector{{}}
	engine.wants = [][]domain.Selector{anyone} // so that the claim joins the line
	engine.lost = true

	_, err := store.Claim(t.Context(), ports.Claim{Want: anyone, Decide: lockOpen})
	if !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
	}
	time.Sleep(2 * retryLine)
	if err := store.line.idle(); err != nil {
		t.Error(err)
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	if locks := engine.rows[ids[0]].Fence + engine.rows[ids[1]].Fence; locks != 1 {
		t.Errorf("%d users were locked for one claim", locks)
	}
}

func (l *line) idle() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.arriving)+len(l.waiting)+len(l.leaving) > 0 {
		return errors.New("a claim is still in line")
	}
	return nil
}

func TestAPassAnswersEachClaimOnce(t *testing.T) {
	w := &waitingClaim{caller: newCaller()}
	p := &pass{}
	p.settle(w, nil)
	p.settle(w, io.EOF)
	if len(p.settled) != 1 || p.settled[0].answer != nil {
		t.Errorf("settled %+v", p.settled)
	}
	p.undo()
	if !w.caller.leave() {
		t.Error("a caller can't leave after the pass was undone")
	}
	if p.settle(w, nil); len(p.settled) != 0 {
		t.Error("a claim whose caller has left was answered")
	}
}

func TestAClaimJoinsAKnownLineWithoutASearch(t *testing.T) {
	engine, store, _ := newFakeEngine(1)
	anyone := []domain.Selector{{}}
	engine.wants = [][]domain.Selector{anyone}
	for range 2 {
		_, _ = store.Claim(context.Background(), ports.Claim{Want: anyone, Wait: time.Millisecond, Decide: lockOpen})
	}
	engine.mu.Lock() // the line may still be at work
	defer engine.mu.Unlock()
	var searched int
	for _, ask := range engine.groups {
		if len(ask.Searches) > 0 {
			searched++
		}
	}
	if searched != 1 {
		t.Errorf("%d claims searched for users before they joined the line, want 1", searched)
	}
}

func TestALineAsksAStoreThatFailsNoMoreOftenThanItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, store, _ := newFakeEngine(1)
		anyone := []domain.Selector{{}}
		seen := LineChanges{Since: EmptyLine, Changed: []Waiter{{Place: 1, Want: anyone}}}
		store.mirror.see(seen, time.Now()) // so that the claim goes along the line
		passes := 0
		engine.onBegin = func(ask Ask) error {
			if ask.Turn {
				passes++
			}
			return postgresError{"53300", "too many connections"}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, _ = store.Claim(ctx, ports.Claim{Want: anyone, Wait: time.Minute, Decide: lockOpen})
		synctest.Wait()
		if most := int(2*time.Second/retryLine) + 1; passes > most || passes == 0 {
			t.Errorf("the store was asked %d times in 2 s, want at most %d", passes, most)
		}
		store.line.close()
	})
}

// Many claims may wait for a user that goes, or have the same deadline. What others do must not wait for a look of each.
func TestClaimsThatWantTheSameShareALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, store, _ := newFakeEngine(0)
		looks := 0
		engine.onBegin = func(Ask) error {
			looks++
			time.Sleep(time.Second)
			return nil
		}
		refusals := make(chan error, 600)
		look := func() {
			for range 100 {
				go func() { refusals <- store.hopeless(t.Context(), &ledger.Claim{Want: []domain.Selector{{}}}) }()
				go func() { refusals <- store.presentRefusal(t.Context(), &ledger.Claim{Want: []domain.Selector{{}}}) }()
			}
			synctest.Wait()
		}
		store.quickSlots <- struct{}{} // another transaction
		look()
		<-store.quickSlots
		synctest.Wait()
		look() // while the first look is under way, which may have missed what these doubt
		look()
		time.Sleep(3 * time.Second)
		for range 600 {
			if err := <-refusals; !errors.Is(err, domain.ErrNoMatch) {
				t.Fatalf("got %v, want %v", err, domain.ErrNoMatch)
			}
		}
		if looks != 2 {
			t.Errorf("600 claims looked %d times, want one look for the first 200 and one for the others", looks)
		}
	})
}

// A pass can give the place of a claim that left before it began to another claim of the same call. If a claim leaves during a
// pass, the next pass does so.
func TestAPlaceWhoseClaimLeavesDuringAPassStandsUntilTheNext(t *testing.T) {
	l := &line{replica: 1, leaving: leavingPlaces{10: {}, 20: {}}}
	p := &pass{line: l, left: leavingPlaces{10: {}}}
	p.undo()
	var standing []ledger.Place
	for _, place := range []ledger.Place{10, 20, 30} {
		if p.stands(place, l.replica) {
			standing = append(standing, place)
		}
	}
	if want := []ledger.Place{20}; !slices.Equal(standing, want) {
		t.Errorf("places %v stand in line, want %v", standing, want)
	}
	if !p.leaving.has(10) || p.leaving.has(20) || !p.leaving.has(30) {
		t.Errorf("the pass sets %v aside, want 10, and 30, which no claim has", p.leaving)
	}
}
