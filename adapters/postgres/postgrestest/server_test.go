package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// These variables start this test program as a child process.
const (
	childMode = "POSTGRESTEST_CHILD" // it starts a server, prints its URL, and waits
	bareMode  = "POSTGRESTEST_BARE"  // it finds no programs of PostgreSQL
)

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		found, err := find()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		server, err := start(found)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(server.folder, server.Address())
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	if os.Getenv(bareMode) != "" {
		installFolders = nil
		_ = os.Setenv("PATH", "")
	}
	goleak.VerifyTestMain(Main{M: m})
}

func TestDatabasesAreEmptyAndSeparate(t *testing.T) {
	server := Shared(t)
	one, other := server.NewDatabase(t), server.NewDatabase(t)
	server.Exec(t, one, "CREATE TABLE only_here ()")
	server.Exec(t, other, "CREATE TABLE only_here ()")
}

func TestServerRequiresItsPassword(t *testing.T) {
	server := Start(t)
	_, err := pgx.Connect(context.Background(), strings.Replace(server.URL("postgres"), server.Password(), "wrong", 1))
	if err == nil {
		t.Error("a wrong password is accepted")
	}
}

func TestServerKeepsItsDataAndAddressOverARestart(t *testing.T) {
	server := Start(t)
	database := server.NewDatabase(t)
	server.Exec(t, database, "CREATE TABLE kept ()")

	server.Restart(t)
	server.Exec(t, database, "TABLE kept")

	server.Crash()
	server.Resume(t)
	server.Exec(t, database, "TABLE kept")
}

func TestSettingsApplyToNewSessions(t *testing.T) {
	server := Start(t)
	server.Set(t, "work_mem", "5MB")
	connected(t, server.URL("postgres"), func(ctx context.Context, conn *pgx.Conn) error {
		var got string
		if err := conn.QueryRow(ctx, "SHOW work_mem").Scan(&got); err != nil {
			return err
		}
		if got != "5MB" {
			t.Errorf("got %s, want 5MB", got)
		}
		return nil
	})
}

func TestServerEndsWithItsParentProcess(t *testing.T) {
	needPrograms(t, readSetting(t))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childMode+"=1")
	child.Stderr = os.Stderr
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	said := bufio.NewScanner(output)
	if !said.Scan() {
		t.Fatalf("the child printed nothing: %v", said.Err())
	}
	folder, address, _ := strings.Cut(said.Text(), " ")
	if conn, err := net.Dial("tcp", address); err != nil {
		t.Errorf("the server does not listen: %v", err)
	} else {
		_ = conn.Close()
	}

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed, so this is an error

	for { // the keeper removes the files last
		time.Sleep(10 * time.Millisecond)
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}
