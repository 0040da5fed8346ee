package app

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	forgetEvery = time.Hour

	// Housekeeping looks for expired locks when the next one that it knows of expires, and at least every expireEvery,
	// because another process may have granted a shorter one. It looks at most every expireApart, so that locks that expire
	// close together are ended together.
	expireEvery = 5 * time.Second
	expireApart = 50 * time.Millisecond

	// recordUsesEvery is how late the recorded time of a key's latest use may be.
	recordUsesEvery = 10 * time.Second

	// lastRecordTimeout bounds the last record, after the context has ended.
	lastRecordTimeout = 5 * time.Second
)

// RunHousekeeping ends locks that have expired and forgets what is older than [Settings] say, until ctx ends; then it
// returns. Run it once in every process that serves the farm: without it, expired locks hold no user either, but no event
// records their end, and the store grows. What fails is logged as a warning and tried again.
func (f *Farm) RunHousekeeping(ctx context.Context, log *slog.Logger) {
	var running sync.WaitGroup
	running.Go(func() { f.forgetOld(ctx, log) })
	running.Go(func() { f.endExpired(ctx, log) })
	running.Wait()
}

func (f *Farm) forgetOld(ctx context.Context, log *slog.Logger) {
	for {
		if err := f.store.Forget(ctx, f.settings.ages()); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "old leases and events could not be forgotten; trying again later", "error", err)
		}
		if sleep(ctx, forgetEvery) != nil {
			return
		}
	}
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

// RunRecording calls [Gate.RecordUses] every few seconds until ctx ends, and once more then; that last call may take five
// seconds. What fails is logged as a warning and tried again.
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
