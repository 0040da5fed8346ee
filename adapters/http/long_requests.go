package http

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// entryInterval is how often it is asked whether those who wait may still enter.
const entryInterval = 500 * time.Millisecond

// longRequests bounds how many requests that take long are answered for one API key at one time, and ends them when the key
// lets nobody in anymore. All callers without a key count as one.
type longRequests struct {
	most int
	gate ports.Gate

	mu     sync.Mutex
	crowds map[domain.APIKeyID]*crowd
}

// crowd are the long requests of one API key.
type crowd struct {
	size int             // never 0
	in   context.Context //nolint:containedctx // ends when they may not enter anymore, and says so, or when none is left
	end  context.CancelCauseFunc
}

func newLongRequests(most int, gate ports.Gate) *longRequests {
	return &longRequests{most: most, gate: gate, crowds: make(map[domain.APIKeyID]*crowd)}
}

// begin counts a request until done is called, once or more often. It returns errRateLimited if that is one too many. in
// ends, with its error as the cause, when whoever sent the request may not enter anymore.
func (l *longRequests) begin(who admission) (in context.Context, done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := who.caller.Key
	c, known := l.crowds[key]
	if !known {
		c = new(crowd)
		c.in, c.end = context.WithCancelCause(context.Background())
	}
	if c.size >= l.most {
		return nil, nil, explain(errRateLimited,
			"An API key may have %d requests that wait and streams together at one replica of the farm. This one has as many.",
			l.most)
	}
	if !known {
		l.crowds[key] = c
		go l.watch(c, who.token)
	}
	c.size++
	return c.in, sync.OnceFunc(func() { l.finish(key, c) }), nil
}

func (l *longRequests) finish(key domain.APIKeyID, c *crowd) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.size--
	if c.size == 0 {
		delete(l.crowds, key)
		c.end(nil)
	}
}

// watch ends a crowd when its token lets nobody in anymore.
func (l *longRequests) watch(c *crowd, token domain.Token) {
	asking := time.NewTicker(entryInterval)
	defer asking.Stop()
	for {
		select {
		case <-c.in.Done():
			return
		case <-asking.C:
		}
		if err := l.ask(c.in, token); errors.Is(err, domain.ErrUnauthorized) {
			c.end(err)
			return
		}
	}
}

func (l *longRequests) ask(ctx context.Context, token domain.Token) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, _, err := l.gate.Enter(ctx, token)
	return err
}
