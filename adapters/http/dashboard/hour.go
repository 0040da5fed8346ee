package dashboard

import (
	"context"
	"slices"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const (
	// hourSample is how many events of the last hour count, at most.
	hourSample = 5000

	// hourAge is how old the numbers of the last hour may be: they are the most expensive ones of a page.
	hourAge = 10 * time.Second

	eventsPerQuery = 1000
)

// hour is what happened in the last hour.
type hour struct {
	Waits   waits
	Expired int
	GaveUp  int       // acquires, not users
	Cut     bool      // there were more events than count
	Since   time.Time // of the first event that counts, if so; zero without one

	pools map[domain.Pool]waits
}

// waits are how long acquires waited, per user.
type waits struct {
	Count    int
	P50, P95 time.Duration
}

// lastHour returns what happened in the last hour, as far as the filter lets it through. Labels do not matter for it.
func lastHour(ctx context.Context, in loading) (hour, error) {
	if time.Since(in.memo.loaded) < hourAge {
		return in.memo.hour, nil
	}
	began := time.Now()
	asks := in.filter.events(eventsPerQuery)
	asks.Kinds = []domain.EventKind{domain.UserAcquired, domain.UserExpired, domain.ClaimGaveUp}
	asks.Since = began.Add(-time.Hour)
	var sample []ports.RecordedEvent
	cut := false
	for queries := 0; ; queries++ {
		page, err := in.farm.Events(ctx, asks)
		if err != nil {
			return hour{}, err
		}
		sample = append(sample, page.Events...)
		if page.Next == 0 {
			break
		}
		// A page with fewer events ends where the store has examined many others. It would take long to go on.
		if queries+1 == hourSample/eventsPerQuery || len(page.Events) < eventsPerQuery {
			cut = true
			break
		}
		asks.After = page.Next
	}
	h := summarize(sample)
	h.Cut = cut
	if cut && len(sample) > 0 {
		h.Since = sample[len(sample)-1].At
	}
	in.memo.hour, in.memo.loaded = h, began
	return h, nil
}

// attempt is what the events have in common that one acquire records when it gives up: one for each pool that it wanted.
type attempt struct {
	at          int64
	waited      time.Duration
	owner, note string
	key         domain.APIKeyID
}

// summarize counts events.
func summarize(sample []ports.RecordedEvent) (h hour) {
	var all []time.Duration
	each := make(map[domain.Pool][]time.Duration)
	gaveUp := make(map[attempt]bool)
	for _, e := range sample {
		switch e.Kind {
		case domain.UserExpired:
			h.Expired++
		case domain.ClaimGaveUp:
			gaveUp[attempt{e.At.UnixMicro(), e.Waited, e.Owner, e.Note, e.Key}] = true
		default:
			all = append(all, e.Waited)
			each[e.Pool] = append(each[e.Pool], e.Waited)
		}
	}
	h.GaveUp = len(gaveUp)
	h.Waits, h.pools = waitsOf(all), make(map[domain.Pool]waits, len(each))
	for pool, waited := range each {
		h.pools[pool] = waitsOf(waited)
	}
	return h
}

// waitsOf sorts the durations.
func waitsOf(waited []time.Duration) waits {
	slices.Sort(waited)
	return waits{Count: len(waited), P50: domain.Percentile(waited, 50), P95: domain.Percentile(waited, 95)}
}
