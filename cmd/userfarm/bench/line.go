package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// waitTimeout is how long to wait for the answer of an acquire that waits in line.
	waitTimeout = longestWait + requestTimeout
	longestWait = time.Minute // that a farm allows

	arrivalPause = 5 * time.Millisecond // after every few waiters, because a farm accepts connections one by one
	arrivals     = 5

	// arrivalTime is how long a waiter may take to come to the line. Waits last so much longer than the measurement. If that is too
	// short, waiters ask again while others arrive; if it is too long, the next round begins later.
	arrivalTime = 5 * time.Millisecond

	// formTimeout is how long to wait until all waiters are in line. A farm that is slow with so many is measured with those that
	// are.
	formTimeout = time.Minute
	formPause   = 50 * time.Millisecond // between two looks at the line, at least; to look may cost the farm much
)

// line is the waiters, and the users that are held so that they wait.
type line struct {
	project *project
	farm    *farm // with connections for the waiters
	layout  layout
	waiters int
	users   []string
	numbers map[string]int // of the users
	tally   *tally         // of the waiters' failures and of the hand-overs
	length  time.Duration  // of a round's measurement
	inLine  int            // the fewest that were in line when a round began; -1 before the first

	waiting sync.WaitGroup
	leave   context.CancelFunc // tells the waiters of the round not to ask again
	round   int

	mu     sync.Mutex
	until  time.Time // when the waits of the round should end
	leases []string  // the lease that holds each user; empty if none is known
	handed handed
}

// newLine creates the users that the waiters want: one for each waiter, or one for all.
func (b *bench) newLine(ctx context.Context) (*line, error) {
	n := b.cfg.lineUsers()
	l := &line{
		project: b.project, farm: b.waiting, layout: layout{pools: 1, labelSets: n}, waiters: b.cfg.Waiters,
		tally: newTally(), length: b.cfg.For, inLine: -1, leave: func() {}, leases: make([]string, n), numbers: make(map[string]int, n),
	}
	var err error
	l.users, err = b.project.fill(ctx, n, func(number int) string { return l.layout.user(b.project.id, lineEnv, number) })
	for number, id := range l.users {
		l.numbers[id] = number
	}
	return l, err
}

// form holds all users and starts the waiters. It returns when all of them are in line, or after a time.
func (l *line) form(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	l.hold()
	looker := l.project.farm.newCaller()
	before, err := looker.line()
	if err != nil {
		l.tally.fail(err)
	}
	arriving := time.Second + time.Duration(l.waiters)*arrivalTime
	l.extend(arriving)
	staying, leave := context.WithCancel(ctx)
	l.leave = leave
	l.round++
	for i := range l.waiters {
		w := &waiter{caller: l.farm.newCaller(), line: l, user: i % len(l.users), name: fmt.Sprintf("%s/%d/%d", uuid.NewString(), l.round, i)}
		l.waiting.Go(func() { w.wait(staying) })
		if i%arrivals == arrivals-1 {
			sleep(ctx, arrivalPause)
		}
	}
	inLine, pause := 0, formPause
	for deadline := time.Now().Add(formTimeout); inLine < l.waiters && time.Now().Before(deadline) && sleep(ctx, pause); {
		looked := time.Now()
		total, err := looker.line()
		pause = formPause + 4*time.Since(looked)
		if err != nil {
			l.tally.fail(err)
			continue
		}
		inLine = min(max(total-before, 0), l.waiters)
		l.extend(arriving)
	}
	if l.inLine < 0 || inLine < l.inLine {
		l.inLine = inLine
	}
	l.extend(0)
}

// hold acquires every user that no lease holds.
func (l *line) hold() {
	err := l.project.each(len(l.users), func(c *caller, i int) error {
		if l.leases[i] != "" {
			return nil
		}
		held, err := c.acquire(fmt.Sprintf(`{"users":[{"user_id":%q}],"owner":"bench/holder"}`, l.users[i]))
		if kindOf(err) == codeUserLocked { // by a lease whose acquire or release lost its answer
			return nil
		}
		if err == nil {
			l.granted(held)
		}
		return err
	})
	if err != nil {
		l.tally.fail(err)
	}
}

// extend lets the waits last for a while, and then for as long as a round measures.
func (l *line) extend(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The measurement, the hand-overs and a second, because a farm counts in seconds.
	if end := time.Now().Add(d + 2*l.length + time.Second); end.After(l.until) {
		l.until = end
	}
}

// patience returns the seconds that an acquire should wait in line from now on.
func (l *line) patience() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(min(max(time.Until(l.until), time.Second), longestWait) / time.Second)
}

// granted records the lease that holds a user from now on. It may be granted because the lease before it expired.
func (l *line) granted(held lease) {
	at := time.Now()
	user, ours := l.numbers[held.user]
	if !ours {
		l.tally.fail(unexpected("a waiter leases a user of another pool"))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leases[user] = held.id
	l.handed.arrive(user, at)
}

// end tells the waiters not to ask again. They are in line until their waits are over.
func (l *line) end() { l.leave() }

// empty returns when no waiter is in line anymore, or when ctx ends.
func (l *line) empty(ctx context.Context) {
	l.end()
	gone := make(chan struct{})
	go func() {
		l.waiting.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}
