//go:build stress

package main_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

const (
	crowd     = 5000 // clients that wait in one replica
	handovers = 300

	idleCrowd = 1000
	idleFor   = 10 * time.Second
)

func TestStressManyWaitersPostgres(t *testing.T) {
	server := postgresForLine(t)
	statements := recordStatements(t, server)
	measureCrowd(t, startLine(t, server, 1)[0])
	measureIdle(t, startLine(t, server, 1)[0], statements)
}

func TestStressManyWaitersSQLite(t *testing.T) {
	farm := func() *replica { return startReplica(t, "sqlite:"+filepath.Join(t.TempDir(), "farm.db"), "") }
	measureCrowd(t, farm())
	measureIdle(t, farm(), nil)
}

// measureCrowd lets many clients wait for one user, and gives the user to one waiter after the other.
func measureCrowd(t *testing.T, farm *replica) {
	defer farm.kill() // a farm does not notice that its waiters have left
	held := holdForCrowd(t, farm, crowd)
	before := farm.memory(t)
	began := time.Now()
	served := make(chan *waiter, crowd)
	waitMany(farm, crowd, served)
	awaitCrowd(t, farm, crowd)
	linedUp := time.Since(began)
	after := farm.memory(t)

	var took []time.Duration
	lease, fence := held.LeaseID, held.Users[0].Fence
	for range handovers {
		sent := time.Now()
		if err := giveBack(farm.address, lease); err != nil {
			t.Fatal(err)
		}
		next := <-served
		if next.status != http.StatusCreated || next.err != nil {
			t.Fatalf("got %d %s (%v), want a lease", next.status, next.code, next.err)
		}
		took = append(took, next.answered.Sub(sent))
		if got := next.lease.Users[0].Fence; got != fence+1 {
			t.Errorf("fence %d came after %d", got, fence)
		}
		lease, fence = next.lease.LeaseID, fence+1
	}
	t.Logf("%d waiters in line after %v: %.1f MB resident, %.1f MB before: %.1f kB each", crowd, linedUp.Round(time.Millisecond),
		float64(after)/1e6, float64(before)/1e6, float64(after-before)/1e3/crowd)
	t.Logf("%d handovers, from the release to the next one's answer: median %s, p99 %s, longest %s", handovers,
		milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99)), milliseconds(percentile(took, 100)))
}

// measureIdle measures what waiters cost while no user becomes free, compared with a farm without waiters.
func measureIdle(t *testing.T, farm *replica, statements func() sent) {
	defer farm.kill()
	holdForCrowd(t, farm, idleCrowd)
	time.Sleep(2 * time.Second)
	logCost(t, farm, 0, statements)
	waitMany(farm, idleCrowd, make(chan *waiter, idleCrowd))
	awaitCrowd(t, farm, idleCrowd)
	time.Sleep(2 * time.Second)
	logCost(t, farm, idleCrowd, statements)
}

// logCost measures the processor time and the statements of a farm. statements is nil without PostgreSQL.
func logCost(t *testing.T, farm *replica, waiters int, statements func() sent) {
	t.Helper()
	var from, to sent
	if statements != nil {
		from = statements()
	}
	cpu := farm.cpu(t)
	time.Sleep(idleFor)
	spent := farm.cpu(t) - cpu
	t.Logf("%d idle waiters: the farm used the processor for %v in %v, %.1f%% of a core", waiters, spent, idleFor, 100*spent.Seconds()/idleFor.Seconds())
	if statements == nil {
		return
	}
	to = statements()
	t.Logf("  PostgreSQL: %.1f transactions/s, %.1f statements/s", perSecond(to.transactions-from.transactions), perSecond(to.total()-from.total()))
	for _, query := range slices.Sorted(maps.Keys(to.calls)) {
		if n := perSecond(to.calls[query] - from.calls[query]); n >= 0.5 {
			t.Logf("  %5.1f/s %.80s", n, strings.Join(strings.Fields(query), " "))
		}
	}
}

func perSecond(n int) float64 { return float64(n) / idleFor.Seconds() }

// holdForCrowd creates one user and holds it, so that n clients have to wait. It fails if this process can't open that many connections.
func holdForCrowd(t *testing.T, farm *replica, n int) heldLease {
	t.Helper()
	needConnections(t, n)
	fillPool(t, farm.address, "line", 1)
	return waitInLine(farm.address, "line", 1, "").served(t, time.Minute)
}

func needConnections(t *testing.T, n int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if needed := uint64(n + 500); limit.Cur < needed {
		t.Fatalf("this process may have %d files open, and needs %d: raise the limit (ulimit -n)", limit.Cur, needed)
	}
}

// waitMany starts n clients that wait in line, a few at a time, and sends each to answered when it has its answer.
func waitMany(farm *replica, n int, answered chan<- *waiter) {
	for i := range n {
		if i%50 == 49 {
			time.Sleep(5 * time.Millisecond) // the farm accepts connections one by one
		}
		s := waitInLine(farm.address, "line", 1, "")
		go func() {
			<-s.done
			answered <- s
		}()
	}
}

// awaitCrowd returns when all n are in line. A client waits no longer than a minute.
func awaitCrowd(t *testing.T, farm *replica, n int) {
	t.Helper()
	for range 300 {
		if countPool(t, farm.address, "line").Waiting == n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%d clients are in line, want %d", countPool(t, farm.address, "line").Waiting, n)
}

// memory returns the resident memory of the process in bytes.
func (r *replica) memory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes * 1024
}

// cpu returns the processor time of the process, in steps of 10ms.
func (r *replica) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, field := range fields[11:13] { // utime and stime; see proc_pid_stat(5)
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// sent holds PostgreSQL's counts of what a farm sent.
type sent struct {
	transactions int
	calls        map[string]int // of each statement, if it has pg_stat_statements
}

func (s sent) total() (calls int) {
	for _, n := range s.calls {
		calls += n
	}
	return calls
}

// recordStatements makes a server count statements, if it can, and returns a function that reads the counts of all test databases.
func recordStatements(t *testing.T, server *postgrestest.Server) func() sent {
	t.Helper()
	ctx, home := context.Background(), server.URL("postgres")
	query := func(conn *pgx.Conn, sql string, into ...any) {
		if err := conn.QueryRow(ctx, sql).Scan(into...); err != nil {
			t.Fatal(err)
		}
	}
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, home)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	conn := connect()
	var canCount bool
	query(conn, "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'pg_stat_statements'", &canCount)
	_ = conn.Close(ctx)
	if canCount {
		server.Exec(t, home, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
		server.Restart(t)
		server.Exec(t, home, "CREATE EXTENSION pg_stat_statements")
	}
	return func() (counted sent) {
		conn := connect()
		defer func() { _ = conn.Close(ctx) }()
		query(conn, "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database WHERE datname LIKE 'userfarm_test_%'", &counted.transactions)
		if !canCount {
			return counted
		}
		rows, err := conn.Query(ctx, `SELECT query, sum(calls)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
			WHERE d.datname LIKE 'userfarm_test_%' GROUP BY query`)
		if err != nil {
			t.Fatal(err)
		}
		counted.calls = map[string]int{}
		var text string
		var calls int
		if _, err := pgx.ForEachRow(rows, []any{&text, &calls}, func() error {
			counted.calls[text] = calls
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return counted
	}
}
