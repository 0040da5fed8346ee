package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const (
	forgetEvery = time.Minute

	// Housekeeping ends expired locks when the next lock that it knows of expires, and at least every expireEvery, because
	// another process may have granted a shorter one. It does so at most every expireApart, so that locks that expire at
	// nearly the same time are ended together.
	expireEvery = 5 * time.Second
	expireApart = 50 * time.Millisecond

	// Housekeeping carries out imports with which nothing happens for importIdle: their callers would go on sooner.
	finishEvery = 5 * time.Second
	importIdle  = 5 * time.Second

	// recordUsesEvery is how much the recorded time of the latest use of a key may be too early.
	recordUsesEvery = 10 * time.Second

	// lastRecordTimeout limits the last call, after the context has ended.
	lastRecordTimeout = 5 * time.Second
)

// RunHousekeeping ends expired locks, carries out imports that were decided, and forgets data that is older than [Settings.Ages],
// until ctx ends; then it returns. Run it once in each process that serves the farm. Without it, users with expired locks are free
// nevertheless, but no event records the expiry, and the store grows. It logs a failure as a warning and tries again.
func (f *Farm) RunHousekeeping(ctx context.Context, log *slog.Logger) {
	var running sync.WaitGroup
	running.Go(func() { f.forgetOld(ctx, log) })
	running.Go(func() { f.endExpired(ctx, log) })
	running.Go(func() { f.finishImports(ctx, log) })
	running.Wait()
}

func (f *Farm) forgetOld(ctx context.Context, log *slog.Logger) {
	for failing := false; ; {
		err := f.store.Forget(ctx, f.settings.ages())
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "old data could not be deleted; retrying until it can", "error", err)
		}
		failing = err != nil
		if sleep(ctx, forgetEvery) != nil {
			return
		}
	}
}

// finishImports carries out imports that were decided, and whose callers do not ask for the rest: they, or the farm, ended meanwhile.
func (f *Farm) finishImports(ctx context.Context, log *slog.Logger) {
	for failing := false; ; {
		err := f.finishIdleImports(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "an import could not be carried out to its end; retrying until it can", "error", err)
		}
		failing = err != nil
		if sleep(ctx, finishEvery) != nil {
			return
		}
	}
}

func (f *Farm) finishIdleImports(ctx context.Context) error {
	open, err := f.store.OpenImports(ctx, importIdle)
	errs := []error{err}
	for _, key := range open {
		report, err := domain.ImportReport{State: domain.ImportApplying}, error(nil)
		for err == nil && report.State == domain.ImportApplying {
			report, err = f.applyImport(ctx, key, time.Now().Add(finishFor))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (f *Farm) endExpired(ctx context.Context, log *slog.Logger) {
	for failing := false; ; {
		next, err := f.store.EndExpired(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "expired locks could not be ended; retrying until they can", "error", err)
		}
		failing = err != nil
		if err != nil || next == 0 || next > expireEvery {
			next = expireEvery
		}
		if sleep(ctx, max(next, expireApart)) != nil {
			return
		}
	}
}

// RunRecording calls [Gate.RecordUses] every ten seconds until ctx ends. Then it calls it once more, for at most five
// seconds, and returns. It logs a failure as a warning and tries again.
func (g *Gate) RunRecording(ctx context.Context, log *slog.Logger) {
	for failing := false; sleep(ctx, recordUsesEvery) == nil; {
		err := g.RecordUses(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "the latest uses of API keys could not be recorded; retrying until they can", "error", err)
		}
		failing = err != nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRecordTimeout)
	defer cancel()
	if err := g.RecordUses(ctx); err != nil {
		log.WarnContext(ctx, "the latest uses of API keys could not be recorded", "error", err)
	}
}
