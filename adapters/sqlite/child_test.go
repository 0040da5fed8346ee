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

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// childPath is the environment variable with the path of the file that a child process of this test program opens.
const childPath = "USERFARM_TEST_CHILD_PATH"

// addAndClaimForever adds users and claims them until the process is killed. It prints the id of each user after the store has
// answered.
func addAndClaimForever(path string) {
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
	store, err := sqlite.Open(ctx, path, keys, bunstore.Logins{})
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

// child is a running child process.
type child struct {
	process *exec.Cmd
	answers *bufio.Scanner
}

func startChild(t *testing.T, path string) *child {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childPath+"="+path)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	child := &child{process: process, answers: bufio.NewScanner(output)}
	t.Cleanup(func() { child.kill() })
	return child
}

// awaitAnswer returns the id of the next user that the child claimed.
func (p *child) awaitAnswer(t *testing.T) string {
	t.Helper()
	if !p.answers.Scan() {
		t.Fatalf("the child ended: %v", p.answers.Err())
	}
	return p.answers.Text()
}

// kill kills the child, and returns the ids that it had printed and the test had not read.
func (p *child) kill() (ids []string) {
	_ = p.process.Process.Kill() // it may have ended
	for p.answers.Scan() {
		ids = append(ids, p.answers.Text())
	}
	_ = p.process.Wait() // it was killed, so this is an error
	return ids
}

func TestAnAnsweredLeaseSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	answered := make(map[string]bool)
	for range 3 {
		child := startChild(t, path)
		for range 25 {
			answered[child.awaitAnswer(t)] = true
		}
		for _, id := range child.kill() {
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
		t.Errorf("%d users are not locked, but the store had answered that they were", len(answered))
	}
}

func TestOnlyOneProcessMayServeAFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "users.db")
	child := startChild(t, path)
	child.awaitAnswer(t)
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}

	for _, name := range []string{path, link} {
		synctest.Test(t, func(t *testing.T) { // they wait before they fail
			_, err := sqlite.Open(context.Background(), name, keyRing(t, 1), bunstore.Logins{})
			if want := fmt.Sprintf("sqlite: %s is in use by another userfarm", name); err == nil || err.Error() != want {
				t.Errorf("open: got %v, want %q", err, want)
			}
			if err := sqlite.Migrate(context.Background(), name); !errors.Is(err, sqlite.ErrInUse) {
				t.Errorf("migrate: got %v, want %v", err, sqlite.ErrInUse)
			}
		})
	}

	child.kill()
	open(t, path, keyRing(t, 1))
}
