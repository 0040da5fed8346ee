package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

const (
	measuredEnv = "bench"         // of the users of the measurement
	plainEnv    = "bench-plain"   // of the users of the plain pool with which it is compared
	lineEnv     = "bench-waiters" // of the users that the waiters want
	poolDomain  = "bench"         // of every user, with a number if there are several pools

	// removalTimeout is how long to retry when no user can be removed: the farm may be restarting.
	removalTimeout = 5 * time.Second
	removalPause   = 200 * time.Millisecond
)

// project has all the users that a bench creates for itself. Their environments and domains divide them into pools.
type project struct {
	farm    *farm
	id      string
	workers int           // that create and remove users at the same time
	timeout time.Duration // how long to retry when no user can be removed
	may     atomic.Int64  // how many users may be in the farm
}

func newProject(farm *farm, workers int) *project {
	return &project{farm: farm, id: uuid.NewString(), workers: workers, timeout: removalTimeout}
}

// fill creates n users and returns their ids. user returns the body that creates the user with a number. It stops at the first failure,
// and when ctx ends.
func (p *project) fill(ctx context.Context, n int, user func(number int) string) ([]string, error) {
	ids := make([]string, n)
	err := p.each(n, func(c *caller, i int) (err error) {
		if ctx.Err() != nil {
			return errors.New("it was interrupted")
		}
		ids[i], err = c.create(user(i))
		if err == nil || mayHaveHappened(err) {
			p.may.Add(1)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create users: %w", err)
	}
	return ids, nil
}

// empty removes the users of the project, including those whose id is unknown because an answer was lost. When no user could be removed
// for the timeout, it returns an error that says how many may be left.
func (p *project) empty() error {
	progress := time.Now()
	for {
		removed, err := p.removePage()
		switch left := p.may.Add(-removed); {
		case err == nil && removed == 0:
			return nil
		case removed > 0:
			progress = time.Now()
		case time.Since(progress) > p.timeout:
			return fmt.Errorf("remove users: up to %d are left in the farm, with project_id %s: %w", max(left, 1), p.id, err)
		default:
			time.Sleep(removalPause)
		}
	}
}

// removePage removes the users of one page of the list. It returns how many it removed, also when it failed.
func (p *project) removePage() (removed int64, err error) {
	ids, err := p.farm.newCaller().list(p.id)
	if err != nil {
		return 0, err
	}
	var deleted atomic.Int64
	err = p.each(len(ids), func(c *caller, i int) error {
		err := c.remove(ids[i])
		if err == nil {
			deleted.Add(1)
		}
		return err
	})
	return deleted.Load(), err
}

// each calls do for 0 to n-1 from all workers of the project. It stops at the first error and returns it.
func (p *project) each(n int, do func(c *caller, i int) error) error {
	var (
		next    atomic.Int64
		failed  atomic.Pointer[error]
		working sync.WaitGroup
	)
	for range min(p.workers, n) {
		working.Go(func() {
			c := p.farm.newCaller()
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := do(c, i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	working.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
