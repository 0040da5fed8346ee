package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/domain"
)

const (
	resealProgress = time.Second // between two lines that say how far it is
	resealPasses   = 10
)

type reseal struct {
	boot.StoreConfig `embed:""`
}

// Run writes how many users it sealed anew to standard output. It may be ended at any time, and goes on where it was when
// it is run again.
func (r *reseal) Run(ctx context.Context) error {
	return withStore(ctx, r.StoreConfig, func(store *bunstore.Store, _ string) error {
		p := resealing{store: store, said: time.Now()}
		if err := p.run(ctx); err != nil {
			return fmt.Errorf("%w (%d users are sealed anew; the same command goes on with the others)", err, p.done)
		}
		if _, err := fmt.Printf("%d users are sealed anew\n", p.done); err != nil {
			return err
		}
		return p.complain()
	})
}

type resealing struct {
	store *bunstore.Store
	done  int
	said  time.Time

	unopened []domain.UserID // in the latest pass
}

// run passes over the users until a pass finds none: a farm may have added some with an old key just before it saw the new
// one.
func (p *resealing) run(ctx context.Context) error {
	for range resealPasses {
		before := p.done
		if err := p.pass(ctx); err != nil || p.done == before {
			return err
		}
	}
	return errors.New("a farm goes on sealing with an old key: give it the new key file")
}

func (p *resealing) pass(ctx context.Context) error {
	p.unopened = nil
	for after := (domain.UserID{}); ; {
		some, err := p.store.Reseal(ctx, after)
		if err != nil || some.Last.IsZero() {
			return err
		}
		after = some.Last
		p.done += some.Users
		p.unopened = append(p.unopened, some.Unopened...)
		p.say()
	}
}

// complain returns an error if somebody could not be opened.
func (p *resealing) complain() error {
	const named = 5
	if len(p.unopened) == 0 {
		return nil
	}
	return fmt.Errorf("%d users can't be opened with the keys of the file, and stay as they are: %v…",
		len(p.unopened), p.unopened[:min(named, len(p.unopened))])
}

func (p *resealing) say() {
	if now := time.Now(); now.Sub(p.said) >= resealProgress {
		p.said = now
		fmt.Fprintf(os.Stderr, "%d users are sealed anew so far\n", p.done)
	}
}
