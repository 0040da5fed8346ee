package bunstore

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// A claim that was granted by a commit whose answer was lost must not be granted other users by the next pass.
func TestALostAnswerToACommitGrantsNothingTwice(t *testing.T) {
	desk, store, ids := newDesk(2)
	anyone := []domain.Selector{{}}
	desk.wants = [][]domain.Selector{anyone} // so that the claim goes along the line
	desk.lost = true

	_, err := store.Claim(t.Context(), ports.Claim{Want: anyone, Decide: lockOpen})
	if !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ports.ErrUnavailable)
	}
	time.Sleep(2 * retryLine)
	if err := store.line.idle(); err != nil {
		t.Error(err)
	}
	desk.mu.Lock()
	defer desk.mu.Unlock()
	if locks := desk.rows[ids[0]].Fence + desk.rows[ids[1]].Fence; locks != 1 {
		t.Errorf("%d users were locked for one claim", locks)
	}
}

func (l *line) idle() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.arriving)+len(l.waiting)+len(l.leaving) > 0 {
		return errors.New("somebody is in line still")
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

func TestAClaimGoesStraightToALineThatItKnowsOf(t *testing.T) {
	desk, store, _ := newDesk(1)
	anyone := []domain.Selector{{}}
	desk.wants = [][]domain.Selector{anyone}
	for range 2 {
		_, _ = store.Claim(context.Background(), ports.Claim{Want: anyone, Decide: lockOpen})
	}
	var tried int
	for _, ask := range desk.groups {
		if len(ask.Searches) > 0 {
			tried++
		}
	}
	if tried != 1 {
		t.Errorf("%d searches kept users from those in line", tried)
	}
}
