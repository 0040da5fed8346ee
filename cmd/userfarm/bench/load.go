package bench

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// load is what the clients work on, with the measurements of all rounds.
type load struct {
	layout layout
	env    string // of the users
	holds  *holds
	tally  *tally

	elapsed time.Duration
	rates   []float64 // pairs per second of each round
}

// work lets the clients work until cfg.For is over or ctx ends.
func (b *bench) work(ctx context.Context, l *load) {
	clients := b.clients(l)
	before := l.tally.pairs.Load()
	stop := b.progress.follow(l.tally, b.cfg.For)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.For)
	defer cancel()
	var working sync.WaitGroup
	for _, c := range clients {
		working.Go(func() { c.work(ctx) })
	}
	working.Wait()
	took := time.Since(began)
	stop()
	l.elapsed += took
	l.rates = append(l.rates, rate(l.tally.pairs.Load()-before, took))
}

func (b *bench) clients(l *load) []*client {
	clients := make([]*client, b.cfg.Clients)
	for number := range clients {
		c := &client{caller: b.project.farm.newCaller(), layout: l.layout, hold: b.cfg.Hold, holds: l.holds, tally: l.tally}
		for _, target := range l.layout.targetsOf(number, len(clients)) {
			selector := l.layout.selector(b.project.id, l.env, target)
			c.wants = append(c.wants, want{target: target, body: acquireBody(selector, number, b.cfg.Hold)})
		}
		clients[number] = c
	}
	return clients
}

// acquireBody returns the body of an acquire for the client with a number.
func acquireBody(selector string, number int, hold time.Duration) string {
	ttl := (hold + leaseMargin + time.Second - 1) / time.Second
	return fmt.Sprintf(`{"users":[%s],"owner":"bench/%d","ttl_seconds":%d}`, selector, number, ttl)
}

// rate returns pairs per second, rounded to a tenth.
func rate(pairs int64, elapsed time.Duration) float64 {
	if elapsed == 0 {
		return 0
	}
	return math.Round(10*float64(pairs)/elapsed.Seconds()) / 10
}
