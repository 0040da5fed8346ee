package main_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

func TestAFarmOnAFullDiskRefusesAndGoesOn(t *testing.T) {
	for name, size := range map[string]string{"SQLite": "2m", "PostgreSQL": "160m"} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t, size)
			var settings []string
			if name == "PostgreSQL" {
				t.Setenv("TMPDIR", disk)
				settings = []string{"--store", postgrestest.Start(t).NewDatabase(t), "--encryption-key-file", writeKey(t)}
			}
			farm := serve(t, disk, settings...)
			fill(t, disk)

			created, status, body := 0, http.StatusCreated, ""
			for status == http.StatusCreated {
				status, body = farm.post("/v1/users", userWithNote(created))
				if status == http.StatusCreated {
					created++
				}
			}
			if status != http.StatusServiceUnavailable || !strings.Contains(body, "its disk is full") {
				t.Errorf("create = %d %s, want 503 and that the disk is full", status, body)
			}
			if status := farm.get("/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("readyz = %d, want 503", status)
			}
			farm.awaitLog(`"level":"WARN","msg":"the store is unavailable`)

			if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
				t.Fatal(err)
			}
			farm.awaitLog(`"level":"INFO","msg":"the store is available again"`)
			if status := farm.get("/readyz"); status != http.StatusOK {
				t.Errorf("readyz = %d once there is space", status)
			}
			if status, body := farm.post("/v1/users", userWithNote(created)); status != http.StatusCreated {
				t.Errorf("create once there is space = %d %s", status, body)
			}
			_, list, err := farm.send(http.MethodGet, "/get_users", "")
			if err != nil {
				t.Fatal(err)
			}
			if listed := strings.Count(list, `"user_id"`); listed != created+1 {
				t.Errorf("%d users are there, and %d were answered", listed, created+1)
			}
		})
	}
}

// What waits and what is held outlasts a full disk.
func TestAFarmOnAFullDiskKeepsItsLineAndItsLeases(t *testing.T) {
	for name, size := range map[string]string{"SQLite": "2m", "PostgreSQL": "160m"} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t, size)
			var settings []string
			if name == "PostgreSQL" {
				t.Setenv("TMPDIR", disk)
				settings = []string{"--store", postgrestest.Start(t).NewDatabase(t), "--encryption-key-file", writeKey(t)}
			}
			farm := serve(t, disk, settings...)
			held := farm.holdAUser(t)
			waiter := make(chan int, 1)
			go func() {
				status, _, _ := farm.send(http.MethodPost, "/v1/leases", `{"users":[{}],"wait_seconds":60}`, "Idempotency-Key", "waiter")
				waiter <- status
			}()
			for waiting := ""; !strings.Contains(waiting, `"total":1`); {
				_, waiting, _ = farm.send(http.MethodGet, "/v1/line", "")
			}
			farm.fillUp(t, disk)

			status, body := farm.post("/v1/leases/"+held+"/release", "")
			if status != http.StatusNoContent && !strings.Contains(body, "its disk is full") {
				t.Errorf("release = %d %s", status, body)
			}
			if status == http.StatusServiceUnavailable && farm.get("/v1/leases/"+held) != http.StatusOK {
				t.Error("a lease that could not be released is not held anymore")
			}
			if status := farm.get("/v1/users"); status != http.StatusOK {
				t.Errorf("list = %d", status)
			}
			farm.awaitLog(`"level":"WARN","msg":"the store is unavailable`)
			if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
				t.Fatal(err)
			}
			farm.awaitLog(`"level":"INFO","msg":"the store is available again"`)
			if status == http.StatusServiceUnavailable {
				if status, body := farm.post("/v1/leases/"+held+"/release", ""); status != http.StatusNoContent {
					t.Errorf("release once there is space = %d %s", status, body)
				}
			}
			if status := <-waiter; status != http.StatusCreated {
				t.Errorf("the waiter got %d", status)
			}
		})
	}
}

// A farm that is restarted while its disk is full serves what needs no space, says that it is not ready, and goes on by itself.
func TestAFarmStartsOnAFullDisk(t *testing.T) {
	for name, end := range map[string]os.Signal{"after a stop": syscall.SIGTERM, "after a kill": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t, "2m")
			farm := serve(t, disk)
			held := farm.holdAUser(t)
			created := farm.fillUp(t, disk)
			farm.signal(end)
			farm.wait()

			address := freeAddress(t)
			farm = start(t, disk, "serve", "--listen", address)
			farm.address = address
			for range 3000 {
				if farm.get("/healthz") == http.StatusOK {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			farm.awaitLog(`"level":"WARN","msg":"the store is unavailable`)
			if status := farm.get("/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("readyz = %d, want 503", status)
			}
			if status := farm.get("/v1/leases/" + held); status != http.StatusOK {
				t.Errorf("the lease = %d", status)
			}
			if _, list, err := farm.send(http.MethodGet, "/get_users", ""); err != nil || strings.Count(list, `"user_id"`) != created+1 {
				t.Errorf("%d users are there (%v), want %d", strings.Count(list, `"user_id"`), err, created+1)
			}
			if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
				t.Fatal(err)
			}
			farm.awaitLog(`"level":"INFO","msg":"the store is available again"`)
			if status, body := farm.post("/v1/leases/"+held+"/release", ""); status != http.StatusNoContent {
				t.Errorf("release once there is space = %d %s", status, body)
			}
		})
	}
}

// A farm that was stopped while there was space needs some to start.
func TestAFarmThatNeedsSpaceToStartNamesTheFullDisk(t *testing.T) {
	disk := newDisk(t, "2m")
	farm := serve(t, disk)
	farm.signal(syscall.SIGTERM)
	farm.wait()
	fill(t, disk)
	farm = start(t, disk, "serve", "--listen", freeAddress(t))
	if code := farm.wait(); code != 1 || !strings.Contains(farm.output.String(), "its disk is full") {
		t.Errorf("the farm ended with %d:\n%s", code, farm.output)
	}
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
	serve(t, disk)
}

// holdAUser creates a user and returns the id of a lease of it.
func (p *process) holdAUser(t *testing.T) (lease string) {
	t.Helper()
	status, body := p.post("/v1/users", fmt.Sprintf(
		`{"login":"held","password":"hunter2","project_id":%q,"env":"stage","domain":"regular"}`, project))
	if status != http.StatusCreated {
		t.Fatalf("create = %d %s", status, body)
	}
	status, body = p.post("/v1/leases", `{"users":[{}]}`)
	_, rest, _ := strings.Cut(body, `"lease_id":"`)
	lease, _, ok := strings.Cut(rest, `"`)
	if status != http.StatusCreated || !ok {
		t.Fatalf("acquire = %d", status)
	}
	return lease
}

// fillUp fills a disk until the farm can't create users of other environments anymore, and returns how many it has created.
func (p *process) fillUp(t *testing.T, disk string) (created int) {
	t.Helper()
	fill(t, disk)
	for {
		status, body := p.post("/v1/users", strings.Replace(userWithNote(created), `"stage"`, `"prod"`, 1))
		switch status {
		case http.StatusCreated:
			created++
		case http.StatusServiceUnavailable:
			return created
		default:
			t.Fatalf("create = %d %s", status, body)
		}
	}
}

// userWithNote returns a user that takes some space.
func userWithNote(n int) string {
	return fmt.Sprintf(`{"login":"user-%d","password":"hunter2","project_id":%q,"env":"stage","domain":"regular","labels":{"note":"%0200d"}}`,
		n, project, n)
}

// newDisk returns the folder of a small disk, which ends with the test.
func newDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	disk, err := os.MkdirTemp("", "disk") // not in a folder of this account alone: the account of PostgreSQL uses it, too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(disk) })
	if text, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=755,size="+size, "userfarm", disk).CombinedOutput(); err != nil {
		t.Skipf("a small disk can't be mounted here: %v: %s", err, text)
	}
	t.Cleanup(func() {
		if text, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, text)
		}
	})
	return disk
}

// fill leaves no space on a disk.
func fill(t *testing.T, disk string) {
	t.Helper()
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4<<10))
	}
}
