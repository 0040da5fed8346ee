package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/ports"
)

const (
	// refreshInterval is the least time between two loads of the feed, and how long a page that was loaded may be shown to others.
	refreshInterval = time.Second

	// restFactor is how many times as long as a load took the feed rests after it, so that it takes a tenth of a connection to the
	// store at most, however large the farm is.
	restFactor = 9

	// unchangedFor is how long a view may be taken for unchanged, because there were no events and the line is as it was: a few
	// changes have no event, or get it later, such as a lock that expires.
	unchangedFor = 10 * time.Second
)

// feed loads the views that people look at. However many look, it loads one of them at a time, and the one first that was refreshed
// longest ago.
type feed struct {
	shutdown context.Context
	log      *slog.Logger

	mu    sync.Mutex
	views map[viewKey]*view
	form  time.Time          // when a form was last carried out here
	stop  context.CancelFunc // ends the loop; nil while nobody watches
}

// view is what callers of the same scope and role see at one address.
type view struct {
	key    viewKey
	filter filter

	turn   chan struct{} // has one token, which is taken for a load
	memo   memo          // of the caller that has the token
	change string        // what tells whether something changed; likewise
	loaded time.Time     // when the latest rendering was loaded; likewise

	// These have the mutex of the feed.
	farm     ports.Farm // of the latest watcher
	latest   rendering
	at       time.Time // when latest was up to date
	away     string    // why latest may be out of date
	asked    time.Time // when the feed last tried to refresh it
	watchers map[*watcher]bool
}

// watcher is an open page.
type watcher struct {
	wake chan struct{} // has a token when the view was refreshed
}

func newFeed(shutdown context.Context, log *slog.Logger) *feed {
	return &feed{shutdown: shutdown, log: log, views: make(map[viewKey]*view)}
}

// get returns a rendering that is up to date, or was a moment ago.
func (f *feed) get(ctx context.Context, key viewKey, asks filter, farm ports.Farm) (rendering, time.Time, error) {
	f.mu.Lock()
	v := f.viewOf(key, asks)
	f.mu.Unlock()
	if err := f.refresh(ctx, v, farm); err != nil {
		return rendering{}, time.Time{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return v.latest, v.at, nil
}

// viewOf returns the view with the key. It forgets those that nobody watches anymore.
func (f *feed) viewOf(key viewKey, asks filter) *view {
	now := time.Now()
	v, known := f.views[key]
	if !known {
		for other, old := range f.views {
			if len(old.watchers) == 0 && now.Sub(old.asked) > refreshInterval {
				delete(f.views, other)
			}
		}
		v = &view{key: key, filter: asks, turn: make(chan struct{}, 1), watchers: make(map[*watcher]bool), asked: now}
		v.turn <- struct{}{}
		f.views[key] = v
	}
	return v
}

// refresh loads a view, unless that was done within the last moment. Callers at the same time share one load.
func (f *feed) refresh(ctx context.Context, v *view, farm ports.Farm) error {
	select {
	case <-v.turn:
		defer func() { v.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	recent := v.away == "" && time.Since(v.at) < refreshInterval && v.at.After(f.form)
	f.mu.Unlock()
	if recent {
		return nil
	}
	began := time.Now()
	latest, err := f.load(ctx, v, farm)
	f.mu.Lock()
	defer f.mu.Unlock()
	v.asked = time.Now()
	if err != nil {
		v.away = problem.Detail(err)
		return err
	}
	v.latest, v.at, v.away = latest, began, ""
	return nil
}

// load returns the view as it is now. It needs the token of the view.
func (f *feed) load(ctx context.Context, v *view, farm ports.Farm) (latest rendering, err error) {
	err = problem.Catch(func() error {
		change, err := changeOf(ctx, farm)
		if err != nil {
			return err
		}
		f.mu.Lock()
		unchanged := change == v.change && time.Since(v.loaded) < unchangedFor && v.loaded.After(f.form)
		latest = v.latest
		f.mu.Unlock()
		if unchanged {
			return nil
		}
		loaded := time.Now()
		if latest, err = v.key.load(ctx, farm, v.filter, &v.memo); err != nil {
			return err
		}
		v.change, v.loaded = change, loaded
		return nil
	})
	return latest, err
}

// changeOf returns a text that differs after nearly every change that a view may show: the newest event, and who is in line.
func changeOf(ctx context.Context, farm ports.Farm) (string, error) {
	page, err := farm.Events(ctx, ports.EventQuery{NewestFirst: true, Limit: 1})
	if err != nil {
		return "", err
	}
	line, total, err := farm.Line(ctx, shownWaiters)
	if err != nil {
		return "", err
	}
	var newest ports.EventID
	if len(page.Events) > 0 {
		newest = page.Events[0].ID
	}
	text := fmt.Sprint(newest, " ", total)
	for _, w := range line {
		text += fmt.Sprint(" ", w.Since.UnixMicro(), " ", w.Until.UnixMicro())
	}
	return text, nil
}

// watch keeps a view up to date until leave is called.
func (f *feed) watch(key viewKey, asks filter, farm ports.Farm) (v *view, w *watcher, leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, w = f.viewOf(key, asks), &watcher{wake: make(chan struct{}, 1)}
	v.watchers[w], v.farm = true, farm
	w.wake <- struct{}{}
	if f.stop == nil {
		var ctx context.Context
		ctx, f.stop = context.WithCancel(f.shutdown)
		go f.keepFresh(ctx)
	}
	return v, w, sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(v.watchers, w)
		if f.stalest() == nil && f.stop != nil {
			f.stop()
			f.stop = nil
		}
	})
}

// stalest returns the watched view that was refreshed longest ago; nil if nobody watches. It needs the mutex.
func (f *feed) stalest() (oldest *view) {
	for _, v := range f.views {
		if len(v.watchers) > 0 && (oldest == nil || v.asked.Before(oldest.asked)) {
			oldest = v
		}
	}
	return oldest
}

// keepFresh refreshes the watched views, one after the other.
func (f *feed) keepFresh(ctx context.Context) {
	rest := refreshInterval
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
		f.mu.Lock()
		v := f.stalest()
		f.mu.Unlock()
		if v == nil {
			return // the last watcher has left, and ends the context
		}
		rest = f.tend(ctx, v)
	}
}

// tend refreshes a view and wakes its watchers. It returns how long to rest.
func (f *feed) tend(ctx context.Context, v *view) (rest time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, entrance.RequestTimeout)
	defer cancel()
	f.mu.Lock()
	farm, wasAway := v.farm, v.away
	f.mu.Unlock()
	began := time.Now()
	err := f.refresh(ctx, v, farm)
	took := time.Since(began)
	if err != nil && wasAway == "" && ctx.Err() == nil {
		f.log.Warn("a page can't be refreshed", "page", v.key.kind.Name, "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range v.watchers {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return max(refreshInterval, restFactor*took)
}

// changed makes the next person see what a form did, at once.
func (f *feed) changed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.form = time.Now()
}

// look returns what a view shows now.
func (f *feed) look(v *view) (latest rendering, at time.Time, away string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return v.latest, v.at, v.away
}
