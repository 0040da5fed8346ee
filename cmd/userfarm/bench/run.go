package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Run creates users, measures until cfg.For is over or ctx ends, calls report with the result, and removes the users. It reports before
// it removes, so that the result is not lost if the farm has become unavailable. It writes its progress to progress.
//
// It returns an error if the result shows that the farm is broken (two clients held one user, or no pair succeeded), if users could not
// be created (then there is no report), or if users could not be removed (the error names the project and says how many may be left).
func Run(ctx context.Context, cfg Config, progress io.Writer, report func(Result) error) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	target, err := parseURL(cfg.URL)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	farm := newFarm(target, cfg.APIKey, cfg.Clients)
	defer farm.close()
	if err := run(ctx, cfg, newPool(farm, cfg.Clients), newProgress(progress), report); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

func run(ctx context.Context, cfg Config, p *pool, progress *progress, report func(Result) error) error {
	progress.say("creating %d users with project_id %s", cfg.Users, p.project)
	users, err := p.fill(ctx, cfg.Users)
	if err == nil {
		progress.say("measuring for %v with %d clients", cfg.For, cfg.Clients)
		result := measure(ctx, cfg, p, users, progress)
		err = errors.Join(report(result), result.fault())
	}
	if p.may.Load() == 0 {
		return err
	}
	progress.say("removing the users")
	return errors.Join(err, p.empty())
}

// measure runs the clients.
func measure(ctx context.Context, cfg Config, p *pool, users []string, progress *progress) Result {
	holds, tally := newHolds(users), newTally()
	ctx, cancel := context.WithTimeout(ctx, cfg.For)
	defer cancel()
	stop := progress.follow(tally, cfg.For)
	began := time.Now()
	var working sync.WaitGroup
	for number := range cfg.Clients {
		c := &client{
			caller: p.farm.newCaller(acquireBody(p.project, number, cfg.Hold)),
			hold:   cfg.Hold, holds: holds, tally: tally,
		}
		working.Go(func() { c.work(ctx) })
	}
	working.Wait()
	took := time.Since(began)
	stop()
	return newResult(cfg, took, tally, holds)
}
