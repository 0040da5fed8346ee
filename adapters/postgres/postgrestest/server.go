// Package postgrestest gives tests PostgreSQL servers: one that all tests of a package share, and servers of a test's own. It
// starts them with PostgreSQL's programs, and needs neither a running server nor the right to use one. Where the programs are
// missing it skips the test; see [Variable].
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main{M: m}.Run()) }
//
//	func TestSomething(t *testing.T) {
//		url := postgrestest.Shared(t).NewDatabase(t)
//		…
//	}
//
// A test that stops, kills or reconfigures a server starts one of its own with [Start].
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const superuser = "userfarm"

// password is the superuser's, on every server that this process starts, so that one URL can name several of them.
var password = rand.Text()

// Server is a PostgreSQL server that was started for a test. It listens on a free port of 127.0.0.1 and asks for a password,
// so that a test can check where the password must not appear. A commit does not wait for the disk: committed data survives a crash
// of the server, but not a crash of the machine.
type Server struct {
	*Access

	programs   programs
	keeper     *keeper
	postmaster *postmaster
	folder     string // for all the server's files
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := readSetting(t)
	if s.server != nil {
		skip(t, "the test needs a server of its own, and "+Variable+" names one that others may use", ownServerAdvice)
	}
	server, err := start(needPrograms(t, s))
	failIf(t, err)
	t.Cleanup(server.end)
	return server
}

// Set changes a setting of the server, for open sessions and for new ones.
func (s *Server) Set(t testing.TB, setting, value string) {
	t.Helper()
	s.Exec(t, s.home.String(), fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", setting, value))
	s.Exec(t, s.home.String(), "SELECT pg_reload_conf()")
	// The server reads the setting a moment later. New sessions have it from then on.
	for current := ""; current != value; {
		connected(t, s.home.String(), func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&current)
		})
	}
}

// Dump returns what pg_dump writes for the database of a URL.
func (s *Server) Dump(t testing.TB, url string) []byte {
	t.Helper()
	text, err := s.programs.command(s.folder, filepath.Join(s.programs.folder, "pg_dump"), url).Output()
	if err != nil {
		t.Fatalf("postgrestest: pg_dump: %v", err)
	}
	return text
}

// Stop ends the server as an administrator does: first the connections, then the server.
func (s *Server) Stop() { s.postmaster.end(syscall.SIGINT) }

// Crash ends the server at once, without saving anything: its next start recovers from its log.
func (s *Server) Crash() { s.postmaster.end(syscall.SIGQUIT) }

// Resume starts the server after Stop or Crash, at the same address.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	var err error
	if s.postmaster, err = run(s.programs, s.folder); err != nil {
		t.Fatalf("postgrestest: %v", s.withLog(err))
	}
}

// Restart is Stop and Resume.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	s.Resume(t)
}

// end stops the server and removes its files.
func (s *Server) end() {
	if s.postmaster != nil {
		s.Crash()
	}
	s.keeper.end()
	_ = os.RemoveAll(s.folder) // the keeper does not run as root, so it can't remove the folder from every parent
}

// start makes a folder, creates a cluster in it and starts the server.
func start(programs programs) (*Server, error) {
	folder, err := programs.newFolder()
	if err != nil {
		return nil, err
	}
	keeper, err := keep(programs, folder)
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	s := &Server{programs: programs, keeper: keeper, folder: folder}
	if err := s.initialize(); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

func (s *Server) initialize() error {
	passwordFile := filepath.Join(s.folder, "password")
	if err := s.programs.writeFile(passwordFile, password); err != nil {
		return err
	}
	// The password is sent in clear text: SCRAM would take most of the time of a connection.
	err := s.programs.run(s.folder, "initdb", "-D", s.data(), "-U", superuser, "-A", "password",
		"--pwfile", passwordFile, "--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	// Another program may take the port after it was found free.
	const attempts = 5
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		if err = s.programs.writeFile(filepath.Join(s.data(), "postgresql.auto.conf"), s.settings(port)); err != nil {
			return err
		}
		if s.postmaster, err = run(s.programs, s.folder); err == nil {
			s.Access = &Access{home: &url.URL{
				Scheme: "postgres",
				User:   url.UserPassword(superuser, password),
				Host:   net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
				Path:   "/postgres",
			}}
			return nil
		}
		if attempt == attempts {
			return s.withLog(err)
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) withLog(err error) error {
	log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return fmt.Errorf("%w\n%s", err, log)
}

func (s *Server) settings(port int) string {
	return fmt.Sprintf(`
listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
max_connections = 100
shared_buffers = 16MB
fsync = off
full_page_writes = off
`, port, s.folder)
}
