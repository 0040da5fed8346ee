package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/adapters/metrics"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

const stageIDs = "0a000000-0000-0000-0000-000000000001"

func TestWhatBecomesOfAcquiresIsMeasured(t *testing.T) {
	f := newFarm(t)
	f.add(stage, "ann")
	f.add(stage, "bob")
	both := f.acquire(domain.Terms{Owner: "ci-1"}, in(stage), in(stage))
	noUser := domain.Selector{Env: "nowhere"}
	for _, want := range []domain.Selector{in(stage), {Env: "stage"}, noUser} {
		if _, err := f.Acquire(f.Context(), []domain.Selector{want}, domain.Terms{}, domain.IdempotencyKey{}); err == nil {
			t.Errorf("%+v is granted", want)
		}
	}
	if _, err := f.Acquire(f.Context(), []domain.Selector{noUser}, domain.Terms{Wait: time.Minute}, domain.IdempotencyKey{}); err == nil {
		t.Error("a user of nowhere is granted")
	}
	if _, err := f.Acquire(f.Context(), []domain.Selector{in(stage)}, domain.Terms{Wait: time.Millisecond}, domain.IdempotencyKey{}); err == nil {
		t.Error("a user that is held is granted")
	}
	f.must(f.Release(f.Context(), both.ID))
	f.acquire(domain.Terms{}, in(stage))

	pool := stageIDs
	f.wantSamples("userfarm_acquire_wait_seconds", map[string]float64{
		"shop stage granted " + pool: 2, "shop stage refused " + pool: 1, "shop stage gave_up " + pool: 1,
		" stage refused ": 1, " nowhere refused ": 2,
	})
	f.wantSamples("userfarm_hold_seconds", map[string]float64{"shop released stage " + pool: 2})
	f.wantSamples("userfarm_events_total", map[string]float64{"created": 2, "acquired": 3, "released": 2, "gave_up": 1})
	f.wantSamples("userfarm_users", map[string]float64{"shop stage " + pool + " locked": 1, "shop stage " + pool + " free": 1})
}

func TestTheEndOfAHoldIsMeasured(t *testing.T) {
	measured := metrics.New("")
	measured.Recorded([]domain.Event{
		{Kind: domain.UserReleased, Pool: stage, Held: 3 * time.Second},
		{Kind: domain.UserReleased, Pool: stage, Held: 5 * time.Second},
		{Kind: domain.UserExpired, Pool: stage, Held: time.Hour},
		{Kind: domain.UserForced, Pool: stage, Held: time.Minute},
	})
	want := map[string]string{"released": "2 8", "expired": "1 3600", "forced": "1 60"}
	for _, metric := range collect(t, measured)["userfarm_hold_seconds"].GetMetric() {
		end := ""
		for _, label := range metric.GetLabel() {
			if label.GetName() == "end" {
				end = label.GetValue()
			}
		}
		h := metric.GetHistogram()
		if got := fmt.Sprint(h.GetSampleCount(), " ", h.GetSampleSum()); got != want[end] {
			t.Errorf("%s: %s holds and seconds, want %s", end, got, want[end])
		}
		delete(want, end)
	}
	if len(want) > 0 {
		t.Errorf("%v are missing", want)
	}
}

func TestCommitsAreMeasured(t *testing.T) {
	measured := metrics.New("")
	measured.Committed(3, 2*time.Millisecond)
	measured.Committed(0, time.Millisecond) // kept the line up to date
	families := collect(t, measured)
	if h := families["userfarm_commit_seconds"].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 2 || h.GetSampleSum() != 0.003 {
		t.Errorf("commit_seconds = %v", h)
	}
	if h := families["userfarm_commit_operations"].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != 3 {
		t.Errorf("commit_operations = %v", h)
	}
}

// Names of pools come from users, and from whatever somebody asks for.
func TestPoolsBeyondTheLimitAreAddedUp(t *testing.T) {
	f := newFarm(t)
	numbered := func(n int) domain.Pool {
		return domain.Pool{ProjectID: stage.ProjectID, Env: fmt.Sprint("e", n), Domain: "d"}
	}
	const more = 7
	for n := range metrics.MostPools + more {
		for i := range 1 + min(n, 1) { // the first pool is the smallest
			f.add(numbered(n), fmt.Sprintf("user-%d-%d", n, i))
		}
	}
	for n := range metrics.MostPools + more {
		f.acquire(domain.Terms{}, in(numbered(n)))
	}
	for n := range 100 {
		_, err := f.Acquire(f.Context(), []domain.Selector{{Env: fmt.Sprint("made-up-", n)}}, domain.Terms{}, domain.IdempotencyKey{})
		if !errors.Is(err, domain.ErrNoMatch) {
			t.Fatal(err)
		}
	}
	counts := func(name string) (series int, sum, others float64, named map[string]bool) {
		named = map[string]bool{}
		for _, metric := range f.families()[name].GetMetric() {
			value := metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			series++
			sum += value
			if labels := labelsOf(metric); strings.HasPrefix(labels, "other other ") {
				others += value
			} else {
				named[labels] = true
			}
		}
		return series, sum, others, named
	}
	series, sum, others, named := counts("userfarm_users")
	if want := (metrics.MostPools + 1) * 3; series != want {
		t.Errorf("users has %d series, want %d", series, want)
	}
	if want := float64(2*(metrics.MostPools+more) - 1); sum != want || others != 2*more-1 {
		t.Errorf("%v users, of which %v are of other pools; want %v and %d", sum, others, want, 2*more-1)
	}
	if named["d e0 "+stageIDs+" free"] {
		t.Error("the smallest pool has a name of its own")
	}
	_, sum, others, named = counts("userfarm_acquire_wait_seconds")
	if want := float64(metrics.MostPools + more + 100); sum != want || others != more+50 {
		t.Errorf("%v acquires, of which %v are of other pools; want %v and %d", sum, others, want, more+50)
	}
	if len(named) != metrics.MostPools+50 {
		t.Errorf("acquires have %d names of pools", len(named))
	}
}

// awayStore is a store that may be away, or hang.
type awayStore struct {
	*memory.Store
	err    error
	hangs  atomic.Bool
	failed atomic.Bool
	counts atomic.Int32
}

func (s *awayStore) wait(ctx context.Context) error {
	if s.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if s.failed.Load() {
		return s.err
	}
	return nil
}

func (s *awayStore) Ping(ctx context.Context) error { return s.wait(ctx) }

func (s *awayStore) CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error) {
	s.counts.Add(1)
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.CountPools(ctx, scope)
}

// readMetrics returns metrics that read a store which has a user.
func readMetrics(t *testing.T, store *awayStore, log *slog.Logger) *metrics.Metrics {
	t.Helper()
	user, err := domain.NewUser(domain.NewUserID(time.Now()), time.Now(), domain.Spec{Login: "ann", Password: domain.NewSecret("pw"), Pool: stage})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Add(t.Context(), domain.Once{}, user); err != nil {
		t.Fatal(err)
	}
	measured := metrics.New("")
	measured.Read(store, log)
	return measured
}

func TestAStoreThatIsAwayLeavesTheOtherMetrics(t *testing.T) {
	for name, lose := range map[string]func(*awayStore){
		"fails": func(s *awayStore) { s.failed.Store(true) },
		"hangs": func(s *awayStore) { s.hangs.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &awayStore{Store: memory.New(), err: ports.ErrUnavailable}
				measured := readMetrics(t, store, discard)
				up := func() float64 { return collect(t, measured)["userfarm_store_up"].GetMetric()[0].GetGauge().GetValue() }
				if up() != 1 {
					t.Fatal("the store is not up at first")
				}
				time.Sleep(time.Minute)
				lose(store)
				began := time.Now()
				families := collect(t, measured)
				if took := time.Since(began); took > time.Second {
					t.Errorf("the page took %v", took)
				}
				for _, name := range []string{"userfarm_users", "userfarm_waiting", "userfarm_pool_waiting", "userfarm_longest_wait_seconds"} {
					if families[name] != nil {
						t.Errorf("%s is stale: %v", name, families[name])
					}
				}
				if up() != 0 || families["userfarm_events_total"] == nil || families["go_goroutines"] == nil {
					t.Error("the page is incomplete, or says that the store is up")
				}
				store.failed.Store(false)
				store.hangs.Store(false)
				time.Sleep(time.Second)
				if up() != 1 || collect(t, measured)["userfarm_users"] == nil {
					t.Error("the store is back, and the page does not show it")
				}
			})
		})
	}
}

// The counts of a store that works may still take too long.
type slowCounts struct {
	*awayStore
	slow atomic.Bool
}

func (s *slowCounts) CountPools(ctx context.Context, scope domain.Scope) ([]domain.PoolCount, error) {
	if s.slow.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.awayStore.CountPools(ctx, scope)
}

func TestCountsThatFailAreLoggedOnceAndAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		store := &slowCounts{awayStore: &awayStore{Store: memory.New()}}
		store.slow.Store(true)
		measured := metrics.New("")
		measured.Read(store, slog.New(slog.NewTextHandler(&text, nil)))
		for range 3 {
			families := collect(t, measured)
			if families["userfarm_users"] != nil || families["userfarm_store_up"].GetMetric()[0].GetGauge().GetValue() != 1 {
				t.Error("the page has counts, or says that the store is not up")
			}
			time.Sleep(time.Minute)
		}
		if n := strings.Count(text.String(), "level=WARN"); n != 1 || !strings.Contains(text.String(), "users could not be counted for the metrics") {
			t.Errorf("it is logged %d times:\n%s", n, &text)
		}
	})
}

func TestManyReadersCostTheStoreOneReadASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &awayStore{Store: memory.New()}
		measured := readMetrics(t, store, discard)
		for range 3 {
			var reading sync.WaitGroup
			for range 20 {
				reading.Go(func() {
					if collect(t, measured)["userfarm_users"] == nil {
						t.Error("no counts")
					}
				})
			}
			reading.Wait()
			time.Sleep(time.Second)
		}
		if n := store.counts.Load(); n != 3 {
			t.Errorf("the store was asked %d times in three seconds", n)
		}
	})
}

// TestThePageIsValidInEveryFormat reads it as Prometheus does.
func TestThePageIsValidInEveryFormat(t *testing.T) {
	f := newFarm(t)
	f.add(domain.Pool{ProjectID: stage.ProjectID, Env: "a\\b", Domain: `"quoted" {}`}, "ann")
	f.acquire(domain.Terms{Owner: "ci-1"}, domain.Selector{})
	const protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
	for accept, is := range map[string]expfmt.FormatType{
		"text/plain": expfmt.TypeTextPlain, "application/openmetrics-text; version=1.0.0": expfmt.TypeOpenMetrics, protobuf: expfmt.TypeProtoDelim,
	} {
		text, format := f.page(accept)
		if format.FormatType() != is {
			t.Errorf("Accept: %s is answered with %s", accept, format)
		}
		if is == expfmt.TypeOpenMetrics {
			if !strings.HasSuffix(text, "# EOF\n") || !strings.Contains(text, `env="a\\b"`) || !strings.Contains(text, `domain="\"quoted\" {}"`) {
				t.Errorf("OpenMetrics has no end, or does not escape labels:\n%s", text)
			}
			continue
		}
		families := map[string]*dto.MetricFamily{}
		for decoder := expfmt.NewDecoder(strings.NewReader(text), format); ; {
			family := new(dto.MetricFamily)
			err := decoder.Decode(family)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", accept, err)
			}
			families[family.GetName()] = family
		}
		waits := families["userfarm_acquire_wait_seconds"].GetMetric()
		if len(waits) != 1 || len(waits[0].GetHistogram().GetBucket()) < 10 {
			t.Fatalf("%s: waits = %v", accept, waits)
		}
		if native := waits[0].GetHistogram().GetZeroCount() == 1; native != (is == expfmt.TypeProtoDelim) {
			t.Errorf("%s has a native histogram: %v", accept, native)
		}
	}
}

// allowedLabels are the only labels, so none has an owner, a login or a lease.
var allowedLabels = []string{
	"project_id", "env", "domain", "status", "outcome", "end", "kind", "route", "method", "version", "revision", "goversion", "quantile",
}

func TestEveryMetricIsExplainedAndHasAllowedLabels(t *testing.T) {
	f := newFarm(t)
	f.add(stage, "ann")
	f.must(f.Release(f.Context(), f.acquire(domain.Terms{}, in(stage)).ID))
	for name, family := range f.families() {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if !slices.Contains(allowedLabels, label.GetName()) && label.GetName() != "version" {
					t.Errorf("%s has the label %s", name, label.GetName())
				}
			}
		}
		if !strings.HasPrefix(name, "userfarm_") {
			continue
		}
		problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
		fromStore := family.GetType() == dto.MetricType_GAUGE && name != "userfarm_store_up" && name != "userfarm_build_info"
		if says := strings.Contains(family.GetHelp(), "use max, not sum"); says != fromStore {
			t.Errorf("%s: whether all replicas report the same is not said, or wrong: %s", name, family.GetHelp())
		}
		if !strings.HasSuffix(family.GetHelp(), ".") {
			t.Errorf("%s: %q is no sentence", name, family.GetHelp())
		}
	}
}
