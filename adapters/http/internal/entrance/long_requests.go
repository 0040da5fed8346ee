package entrance

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// recheckInterval is the time between two checks whether the callers of long requests are still authorized.
const recheckInterval = 500 * time.Millisecond

// LongRequests are the requests that wait, and the streams. They are limited for each API key, and they end when the key
// expires or is revoked. All callers without a key share one limit.
type LongRequests struct {
	most     int
	gate     ports.Gate
	shutdown context.Context // of the server, not of a request

	mu     sync.Mutex
	groups map[domain.APIKeyID]*group
}

// group has the long requests of one API key.
type group struct {
	size       int             // never 0
	authorized context.Context // ends with the authorization, which is its cause, or with the last request
	end        context.CancelCauseFunc
}

// NewLongRequests returns the long requests of a server, at most so many for each API key. Requests that wait end with
// shutdown. Its cause is their error.
func NewLongRequests(shutdown context.Context, gate ports.Gate, most int) *LongRequests {
	return &LongRequests{most: most, gate: gate, shutdown: shutdown, groups: make(map[domain.APIKeyID]*group)}
}

// Begin counts a long request until done is called for the first time. authorized ends when its caller is not authorized
// anymore, and has the reason as its cause. The error is [problem.ErrRateLimited] above the limit.
func (l *LongRequests) Begin(c *fiber.Ctx) (authorized context.Context, done func(), err error) {
	admission := Of(c)
	key := admission.Caller.Key
	l.mu.Lock()
	defer l.mu.Unlock()
	g, known := l.groups[key]
	if !known {
		g = new(group)
		g.authorized, g.end = context.WithCancelCause(context.Background())
	}
	if g.size >= l.most {
		return nil, nil, problem.Explain(problem.ErrRateLimited,
			"An API key may have %d waiting requests and streams together at one replica of the farm. This one has reached the limit.",
			l.most)
	}
	if !known {
		l.groups[key] = g
		go l.watch(g, admission.token)
	}
	g.size++
	return g.authorized, sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		g.size--
		if g.size == 0 {
			delete(l.groups, key)
			g.end(nil)
		}
	}), nil
}

// watch ends a group when its token is not authorized anymore.
func (l *LongRequests) watch(g *group, token domain.Token) {
	ticker := time.NewTicker(recheckInterval)
	defer ticker.Stop()
	for {
		select {
		case <-g.authorized.Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(g.authorized, RequestTimeout)
		_, _, err := l.gate.Enter(ctx, token)
		cancel()
		if errors.Is(err, domain.ErrUnauthorized) {
			g.end(err)
			return
		}
	}
}

// BeginUntilShutdown is [LongRequests.Begin] with a context that has the values of ctx and not its deadline. It ends with
// stop, with the authorization of the caller and when the server shuts down.
func (l *LongRequests) BeginUntilShutdown(c *fiber.Ctx) (ctx context.Context, stop func(), err error) {
	authorized, done, err := l.Begin(c)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.UserContext()))
	forgetCaller := context.AfterFunc(authorized, func() { cancel(context.Cause(authorized)) })
	forgetServer := context.AfterFunc(l.shutdown, func() { cancel(context.Cause(l.shutdown)) })
	return ctx, func() {
		forgetCaller()
		forgetServer()
		cancel(context.Canceled)
		done()
	}, nil
}

// Wait begins a request that may wait for so long in the farm. Its context has that much more time than those of other
// requests. end must be called with the error of the farm, and returns the error to answer. A wait that was cut short ends
// with [problem.ErrShuttingDown] or [domain.ErrUnauthorized]. For a wait of 0, which needs no end, end is nil.
func (l *LongRequests) Wait(c *fiber.Ctx, wait time.Duration) (ctx context.Context, end func(error) error, err error) {
	if wait <= 0 {
		return c.UserContext(), nil, nil
	}
	bounded, stop, err := l.BeginUntilShutdown(c)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(bounded, wait+RequestTimeout)
	return ctx, func(err error) error {
		defer stop()
		defer cancel()
		// A farm whose context ended reports an absent store. Other errors, and success, are the answer.
		if err == nil || problem.KindOf(err).Code != api.CodeStoreUnavailable {
			return err
		}
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, domain.ErrUnauthorized) && Of(c).token.IsZero():
			return Challenge(c, cause) // the farm got its first key meanwhile
		case errors.Is(cause, domain.ErrUnauthorized):
			return Challenge(c, problem.Explain(cause, "The API key expired or was revoked while the request waited."))
		case errors.Is(cause, problem.ErrShuttingDown):
			return errors.Join(problem.ErrShuttingDown, err)
		default:
			return err
		}
	}, nil
}
