package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// tenantPath names the file that a tenant lives in: a process of its own, this test's program once more.
const tenantPath = "USERFARM_TEST_TENANT_PATH"

// live is what a tenant does until it is killed: it adds users and claims them, and prints the id of each once the store
// has answered.
func live(path string) {
	if err := addAndClaim(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func addAndClaim(path string) error {
	ctx := context.Background()
	keys, err := newKeyRing(1)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, path, keys)
	if err != nil {
		return err
	}
	for {
		user, err := newUser()
		if err != nil {
			return err
		}
		if err := store.Add(ctx, domain.Once{}, user); err != nil {
			return err
		}
		id := domain.NewLeaseID()
		_, err = store.Claim(ctx, ports.Claim{Want: []domain.Selector{{UserID: user.ID()}}, Decide: func(now time.Time, users []*domain.User) error {
			_, err := domain.Grant(now, id, domain.Terms{TTL: time.Hour}, users)
			return err
		}})

		if err != nil {
			return err
		}
		fmt.Println(user.ID())
	}
}

// tenant is a running one.
type tenant struct {
	process *exec.Cmd
	answers *bufio.Scanner
}

func startTenant(t *testing.T, path string) *tenant {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), tenantPath+"="+path)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	tenant := &tenant{process: process, answers: bufio.NewScanner(output)}
	t.Cleanup(func() { tenant.kill() })
	return tenant
}

// awaitAnswer returns the id of the next user that the tenant claimed.
func (p *tenant) awaitAnswer(t *testing.T) string {
	t.Helper()
	if !p.answers.Scan() {
		t.Fatalf("the tenant ended: %v", p.answers.Err())
	}
	return p.answers.Text()
}

// kill ends the tenant without a warning, and returns the ids that it had printed and nobody had read.
func (p *tenant) kill() (ids []string) {
	_ = p.process.Process.Kill() // it may be dead already
	for p.answers.Scan() {
		ids = append(ids, p.answers.Text())
	}
	_ = p.process.Wait() // it was killed: an error
	return ids
}

func TestWhatWasAnsweredSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	answered := make(map[string]bool)
	for range 3 {
		tenant := startTenant(t, path)
		for range 25 {
			answered[tenant.awaitAnswer(t)] = true
		}
		for _, id := range tenant.kill() {
			answered[id] = true
		}
	}

	page, err := open(t, path, keyRing(t, 1)).List(context.Background(), ports.Query{Status: domain.Locked, Limit: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range page.Users {
		delete(answered, user.ID().String())
	}
	if len(answered) > 0 {
		t.Errorf("%d users were answered to be locked, and are not", len(answered))
	}
}

func TestAFileHasOneTenant(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "users.db")
	tenant := startTenant(t, path)
	tenant.awaitAnswer(t)
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{path, link} {
		synctest.Test(t, func(t *testing.T) { // they do not give up at once
			_, err := sqlite.Open(context.Background(), name, keyRing(t, 1))
			if want := fmt.Sprintf("sqlite: %s is in use by another userfarm", name); err == nil || err.Error() != want {
				t.Errorf("open: got %v, want %q", err, want)
			}
			if err := sqlite.Migrate(context.Background(), name); !errors.Is(err, sqlite.ErrInUse) {
				t.Errorf("migrate: got %v, want %v", err, sqlite.ErrInUse)
			}
		})
	}

	tenant.kill()
	open(t, path, keyRing(t, 1))
}
