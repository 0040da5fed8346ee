package dashboard

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// countingFarm is a farm of one pool that notes when it is asked for the pools, which each load of an overview does once.
type countingFarm struct {
	ports.Farm

	mu     sync.Mutex
	loads  []time.Time
	newest ports.EventID
	takes  time.Duration
	err    error
}

// Pools implements [ports.Pools].
func (f *countingFarm) Pools(context.Context) ([]domain.PoolCount, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loads = append(f.loads, time.Now())
	time.Sleep(f.takes)
	return []domain.PoolCount{{Pool: domain.Pool{ProjectID: domain.ProjectID{1}, Env: "e", Domain: "d"}, Total: len(f.loads), Free: len(f.loads)}}, nil
}

// Events implements [ports.History].
func (f *countingFarm) Events(context.Context, ports.EventQuery) (ports.EventPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return ports.EventPage{Events: []ports.RecordedEvent{{ID: f.newest, Event: domain.Event{Kind: domain.UserAcquired}}}}, f.err
}

// Line implements [ports.Pools].
func (*countingFarm) Line(context.Context, int) ([]domain.Waiter, int, error) { return nil, 0, nil }

// Users implements [ports.Accounts].
func (*countingFarm) Users(context.Context, ports.Query) (ports.UserPage, error) {
	return ports.UserPage{}, nil
}

// ProjectNames implements [ports.Projects].
func (*countingFarm) ProjectNames(context.Context) ([]domain.Project, error) { return nil, nil }

// happen makes an event, so that views change.
func (f *countingFarm) happen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest++
}

// take returns the loads since the last call.
func (f *countingFarm) take() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	loads := f.loads
	f.loads = nil
	return loads
}

func (f *countingFarm) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// inFeed runs a test with a feed and a function that opens pages of an overview.
func inFeed(t *testing.T, test func(t *testing.T, f *feed, farm *countingFarm, open func(query string, pages int) (v *view, w *watcher))) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f, farm := newFeed(ctx, slog.New(slog.DiscardHandler)), &countingFarm{newest: 1}
		var leave []func()
		test(t, f, farm, func(query string, pages int) (v *view, w *watcher) {
			asks, err := readFilter(query, userFields)
			if err != nil {
				t.Fatal(err)
			}
			for range pages {
				var end func()
				v, w, end = f.watch(keyOf(viewKinds[0], domain.Everybody(), asks), asks, farm)
				leave = append(leave, end)
			}
			return v, w
		})
		for _, end := range leave {
			end()
		}
		stop()
		synctest.Wait()
	})
}

// happenEvery makes events all the time, for some time.
func (f *countingFarm) happenEvery(pause, during time.Duration) {
	for range during / pause {
		f.happen()
		time.Sleep(pause)
	}
}

func TestManyPagesCostOneLoadASecond(t *testing.T) {
	inFeed(t, func(t *testing.T, _ *feed, farm *countingFarm, open func(string, int) (*view, *watcher)) {
		for _, query := range []string{"", "env=a", "env=b", "owner=c"} {
			open(query, 50)
		}
		farm.happenEvery(100*time.Millisecond, time.Minute)
		loads := farm.take()
		if n := len(loads); n < 55 || n > 60 {
			t.Errorf("200 pages of 4 views cost %d loads in a minute", n)
		}
		for i := 1; i < len(loads); i++ {
			if pause := loads[i].Sub(loads[i-1]); pause < refreshInterval {
				t.Errorf("two loads began within %v", pause)
			}
		}
	})
}

func TestEveryViewIsRefreshedInItsTurn(t *testing.T) {
	inFeed(t, func(t *testing.T, f *feed, farm *countingFarm, open func(string, int) (*view, *watcher)) {
		views := make([]*view, 0, 4)
		for _, query := range []string{"", "env=a", "env=b", "owner=c"} {
			v, _ := open(query, 1)
			views = append(views, v)
		}
		farm.happenEvery(100*time.Millisecond, 10*time.Second)
		for _, v := range views {
			if _, at, _ := f.look(v); time.Since(at) > 5*time.Second {
				t.Errorf("a view is from %v ago", time.Since(at))
			}
		}
	})
}

func TestAViewIsNotLoadedAgainWithoutAnEvent(t *testing.T) {
	inFeed(t, func(t *testing.T, f *feed, farm *countingFarm, open func(string, int) (*view, *watcher)) {
		v, _ := open("", 10)
		time.Sleep(time.Minute)
		if n := len(farm.take()); n < 5 || n > 8 {
			t.Errorf("an idle farm was loaded %d times in a minute", n)
		}
		if _, at, _ := f.look(v); time.Since(at) > 2*time.Second {
			t.Errorf("the page of an idle farm says that it is from %v ago", time.Since(at))
		}
		farm.happen()
		time.Sleep(2 * refreshInterval)
		if len(farm.take()) == 0 {
			t.Error("an event does not refresh the view")
		}
	})
}

func TestASlowStoreIsAskedLessOften(t *testing.T) {
	inFeed(t, func(t *testing.T, _ *feed, farm *countingFarm, open func(string, int) (*view, *watcher)) {
		farm.takes = time.Second
		open("", 100)
		farm.happenEvery(5*time.Second, time.Minute)
		if n := len(farm.take()); n > 7 {
			t.Errorf("a store that needs a second was asked %d times in a minute", n)
		}
	})
}

func TestPeopleAtTheSameTimeShareALoad(t *testing.T) {
	inFeed(t, func(t *testing.T, f *feed, farm *countingFarm, _ func(string, int) (*view, *watcher)) {
		farm.takes = 100 * time.Millisecond
		asks, _ := readFilter("", userFields)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, _, err := f.get(t.Context(), keyOf(viewKinds[0], domain.Everybody(), asks), asks, farm); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(farm.take()); n != 1 {
			t.Errorf("100 people at the same time cost %d loads", n)
		}
	})
}

func TestAFeedForgetsViewsThatNobodyWatches(t *testing.T) {
	inFeed(t, func(t *testing.T, f *feed, farm *countingFarm, _ func(string, int) (*view, *watcher)) {
		for _, env := range []string{"a", "b", "c", "d"} {
			asks, _ := readFilter("env="+env, userFields)
			if _, _, err := f.get(t.Context(), keyOf(viewKinds[0], domain.Everybody(), asks), asks, farm); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * refreshInterval)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.views) != 1 {
			t.Errorf("the feed keeps %d views", len(f.views))
		}
	})
}

func TestAFeedSaysThatTheStoreIsAwayAndComesBack(t *testing.T) {
	inFeed(t, func(t *testing.T, f *feed, farm *countingFarm, open func(string, int) (*view, *watcher)) {
		v, _ := open("", 3)
		time.Sleep(3 * refreshInterval)
		before, _, _ := f.look(v)
		farm.fail(ports.ErrUnavailable)
		time.Sleep(3 * refreshInterval)
		latest, _, away := f.look(v)
		if away == "" || latest.id != before.id {
			t.Errorf("without a store, a page has %q", away)
		}
		farm.fail(nil)
		time.Sleep(3 * refreshInterval)
		if _, at, away := f.look(v); away != "" || time.Since(at) > 2*refreshInterval {
			t.Errorf("with the store back, a page has %q and is from %v ago", away, time.Since(at))
		}
	})
}

func TestCallersShareAViewOnlyIfTheySeeTheSame(t *testing.T) {
	one, other := domain.ProjectID{1}, domain.ProjectID{2}
	keys := map[viewKey]bool{}
	callers := []domain.Caller{
		{Role: domain.Admin}, {Role: domain.Viewer}, {Role: domain.Viewer, Scope: domain.Only()},
		{Role: domain.Viewer, Scope: domain.Only(one)}, {Role: domain.Viewer, Scope: domain.Only(other)},
		{Role: domain.Viewer, Scope: domain.Only(one, other)},
	}
	for _, caller := range callers {
		keys[keyOf(viewKinds[0], caller, filter{})] = true
	}
	if len(keys) != len(callers) {
		t.Errorf("%d callers share %d views", len(callers), len(keys))
	}
	same := domain.Caller{Role: domain.Viewer, Name: "another key", Scope: domain.Only(other, one)}
	if !keys[keyOf(viewKinds[0], same, filter{})] {
		t.Error("two keys with the same role and projects do not share a view")
	}
}
