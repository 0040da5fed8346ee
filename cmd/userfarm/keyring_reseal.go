package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/domain"
)

const (
	resealProgress = time.Second // between two lines about the progress
	resealPasses   = 10
)

type reseal struct {
	boot.StoreConfig `embed:""`
}

// Run writes to standard output how many users it resealed. It may be interrupted at any time; the next run continues with the users
// that are left.
func (r *reseal) Run(ctx context.Context) error {
	return withStore(ctx, r.StoreConfig, func(store *bunstore.Store, _ string) error {
		p := resealing{store: store, reported: time.Now()}
		if err := p.run(ctx); err != nil {
			return fmt.Errorf("%w (%s resealed; run the same command again for the others)", err, counted(p.done, "user"))
		}
		if _, err := fmt.Printf("%s resealed\n", counted(p.done, "user")); err != nil {
			return err
		}
		return p.fault()
	})
}

type resealing struct {
	store    *bunstore.Store
	done     int
	reported time.Time // when the latest line about the progress was written

	unopened []domain.UserID // in the latest pass
}

// run repeats the pass over the users until a pass reseals none: a farm may have sealed some with an old key just before it read
// the new one.
func (p *resealing) run(ctx context.Context) error {
	for range resealPasses {
		before := p.done
		if err := p.pass(ctx); err != nil || p.done == before {
			return err
		}
	}
	return errors.New("a farm still seals with an old key: give it the new key file")
}

func (p *resealing) pass(ctx context.Context) error {
	for {
		some, err := p.store.ResealSessions(ctx)
		if err != nil {
			return err
		}
		if some == 0 {
			break
		}
	}
	p.unopened = nil
	for after := (domain.UserID{}); ; {
		some, err := p.store.Reseal(ctx, after)
		if err != nil || some.Last.IsZero() {
			return err
		}
		after = some.Last
		p.done += some.Users
		p.unopened = append(p.unopened, some.Unopened...)
		p.report()
	}
}

// fault returns an error if the latest pass could not open some users.
func (p *resealing) fault() error {
	const most = 5
	if len(p.unopened) == 0 {
		return nil
	}
	var named []string
	for _, id := range p.unopened[:min(most, len(p.unopened))] {
		named = append(named, id.String())
	}
	if len(p.unopened) > most {
		named = append(named, "…")
	}
	return fmt.Errorf("%s can't be opened with the keys of the file, and nothing was changed of: %s",
		counted(len(p.unopened), "user"), strings.Join(named, ", "))
}

func (p *resealing) report() {
	if now := time.Now(); now.Sub(p.reported) >= resealProgress {
		p.reported = now
		fmt.Fprintf(os.Stderr, "%s resealed so far\n", counted(p.done, "user"))
	}
}
