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
	poolEnv    = "bench"
	poolDomain = "bench"

	// removalPatience is for a farm that is being restarted while its users are removed.
	removalPatience = 5 * time.Second
	removalPause    = 200 * time.Millisecond
)

// pool is the users that a bench makes for itself, in a project of its own.
type pool struct {
	farm     *farm
	project  string
	workers  int           // that make and remove users at the same time
	patience time.Duration // to wait for a farm that removes nobody
	may      atomic.Int64  // users that may be in the farm
}

func newPool(farm *farm, workers int) *pool {
	return &pool{farm: farm, project: uuid.NewString(), workers: workers, patience: removalPatience}
}

// fill makes n users and returns their ids. It stops at the first failure, and when ctx ends.
func (p *pool) fill(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	err := p.each(n, func(c *caller, i int) (err error) {
		if ctx.Err() != nil {
			return errors.New("it was interrupted")
		}
		ids[i], err = c.create(fmt.Sprintf(`{"login":"bench-%d","password":"bench","project_id":%q,"env":%q,"domain":%q}`,
			i, p.project, poolEnv, poolDomain))
		if err == nil || mayHaveHappened(err) {
			p.may.Add(1)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make users: %w", err)
	}
	return ids, nil
}

// empty removes the users of the project, also those that the pool does not know of because an answer was lost. It gives
// up when the farm has removed none of them for a while, and says then how many may be left.
func (p *pool) empty() error {
	progress := time.Now()
	for {
		removed, err := p.removePage()
		switch left := p.may.Add(-removed); {
		case err == nil && removed == 0:
			return nil
		case removed > 0:
			progress = time.Now()
		case time.Since(progress) > p.patience:
			return fmt.Errorf("remove users: up to %d are left in the farm, with project_id %s: %w", max(left, 1), p.project, err)
		default:
			time.Sleep(removalPause)
		}
	}
}

// removePage removes as many users as one list has, and returns how many it removed before it failed, if it did.
func (p *pool) removePage() (removed int64, err error) {
	ids, err := p.farm.newCaller("").list(p.project)
	if err != nil {
		return 0, err
	}
	var gone atomic.Int64
	err = p.each(len(ids), func(c *caller, i int) error {
		err := c.remove(ids[i])
		if err == nil {
			gone.Add(1)
		}
		return err
	})
	return gone.Load(), err
}

// each calls do for 0 to n-1, by as many workers as the pool has. It stops at the first error and returns that.
func (p *pool) each(n int, do func(c *caller, i int) error) error {
	var (
		next    atomic.Int64
		failed  atomic.Pointer[error]
		working sync.WaitGroup
	)
	for range min(p.workers, n) {
		working.Go(func() {
			c := p.farm.newCaller("")
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
