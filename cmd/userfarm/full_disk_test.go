package main_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
