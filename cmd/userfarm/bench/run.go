package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Run creates users, measures until all rounds are over or ctx ends, calls report with the result, and removes the users. It reports
// before it removes, so that the result is not lost if the farm has become unavailable. It writes its progress to progress.
//
// It returns an error if the result shows that the farm is broken (two clients held one user, or no pair succeeded), if users could not
// be created (then there is no report), or if users could not be removed (the error names the project and says how many may be left).
func Run(ctx context.Context, cfg Config, progress io.Writer, report func(Result) error) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := checkOpenFiles(cfg, openFilesLimit()); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	target, err := parseURL(cfg.URL)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	farm := newFarm(target, cfg.APIKey, cfg.Clients)
	defer farm.close()
	waiting := newFarm(target, cfg.APIKey, max(cfg.Waiters, 1))
	waiting.timeout = waitTimeout
	defer waiting.close()
	b := &bench{cfg: cfg, project: newProject(farm, cfg.Clients), waiting: waiting, progress: newProgress(progress)}
	if err := b.run(ctx, report); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

// bench is one run.
type bench struct {
	cfg      Config
	project  *project
	waiting  *farm // with connections for the waiters
	progress *progress

	measured *load
	plain    *load // nil unless the measurement is compared with it
	line     *line // nil without waiters
}

func (b *bench) run(ctx context.Context, report func(Result) error) error {
	err := b.create(ctx)
	if err == nil {
		b.measure(ctx)
		result := b.result()
		err = errors.Join(report(result), result.fault())
	}
	if b.project.may.Load() == 0 {
		return err
	}
	if b.line != nil {
		b.line.empty(ctx)
	}
	b.progress.say("removing the users")
	if left := b.project.empty(); left != nil {
		return errors.Join(err, left)
	}
	if b.line != nil {
		b.line.waiting.Wait() // a farm refuses at once whoever waits for a user that was removed
	}
	return err
}

// create creates the users of the loads and of the line.
func (b *bench) create(ctx context.Context) (err error) {
	b.progress.say("creating %d users with project_id %s", b.cfg.users(), b.project.id)
	if b.measured, err = b.newLoad(ctx, b.cfg.layout(), measuredEnv); err != nil {
		return err
	}
	switch {
	case !b.cfg.Compare:
	case b.measured.layout == plain:
		b.plain = &load{layout: plain, env: measuredEnv, holds: b.measured.holds, tally: newTally()}
	default:
		if b.plain, err = b.newLoad(ctx, plain, plainEnv); err != nil {
			return err
		}
	}
	if b.cfg.Waiters > 0 {
		b.line, err = b.newLine(ctx)
	}
	return err
}

func (b *bench) newLoad(ctx context.Context, l layout, env string) (*load, error) {
	users, err := b.project.fill(ctx, b.cfg.Users, func(number int) string { return l.user(b.project.id, env, number) })
	if err != nil {
		return nil, err
	}
	return &load{layout: l, env: env, holds: newHolds(users), tally: newTally()}, nil
}

// measure measures all rounds. The order changes from round to round, so that neither load is always measured first.
func (b *bench) measure(ctx context.Context) {
	phases := []func(context.Context){b.measureLoad}
	if b.plain != nil {
		phases = []func(context.Context){b.measurePlain, b.measureLoad}
	}
	for round := range b.cfg.Rounds {
		if b.cfg.Rounds > 1 {
			b.progress.say("round %d of %d", round+1, b.cfg.Rounds)
		}
		for _, measure := range phases {
			if ctx.Err() != nil {
				return
			}
			measure(ctx)
		}
		slices.Reverse(phases)
	}
}

// measurePlain measures the plain pool while the line is empty.
func (b *bench) measurePlain(ctx context.Context) {
	if b.line != nil {
		b.line.empty(ctx)
	}
	b.progress.say("measuring a plain pool for %v with %d clients", b.cfg.For, b.cfg.Clients)
	b.work(ctx, b.plain)
}

// measureLoad measures the load, with the waiters in line.
func (b *bench) measureLoad(ctx context.Context) {
	if b.line != nil {
		b.line.empty(ctx)
		b.progress.say("waiting until %d waiters are in line", b.cfg.Waiters)
		b.line.form(ctx)
	}
	b.progress.say("measuring for %v with %d clients", b.cfg.For, b.cfg.Clients)
	b.work(ctx, b.measured)
	if b.line != nil {
		b.progress.say("handing over users to their waiters")
		b.line.handOver(ctx)
		b.line.end()
	}
}
