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
		_, err := fmt.Printf("%d users are sealed anew\n", p.done)
		return err
	})
}

type resealing struct {
	store *bunstore.Store
	done  int
	said  time.Time
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
	for after := (domain.UserID{}); ; {
		last, n, err := p.store.Reseal(ctx, after)
		if err != nil || n == 0 {
			return err
		}
		after = last
		p.done += n
		p.say()
	}
}

func (p *resealing) say() {
	if now := time.Now(); now.Sub(p.said) >= resealProgress {
		p.said = now
		fmt.Fprintf(os.Stderr, "%d users are sealed anew so far\n", p.done)
	}
}
