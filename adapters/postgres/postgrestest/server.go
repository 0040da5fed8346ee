// Package postgrestest starts PostgreSQL servers that tests throw away. It needs PostgreSQL's programs on the machine, and
// neither a running server nor the right to use one.
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
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

const superuser = "userfarm"

// password is that of the superuser of all servers of this process, so that one URL can name several of them.
var password = rand.Text()

// Server is a PostgreSQL server of the test's own. It listens on a free port of 127.0.0.1 and asks for a password, so that
// tests can tell where one must not show. It writes what it commits without waiting for the disk: what it committed
// survives its own crash, but not the machine's.
type Server struct {
	programs   programs
	keeper     *keeper
	postmaster *postmaster
	folder     string // for all the server's files
	port       int
	databases  atomic.Int64
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(server.end)
	return server
}

// NewDatabase makes an empty database and returns its URL.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "test" + strconv.FormatInt(s.databases.Add(1), 10)
	s.Exec(t, s.URL("postgres"), "CREATE DATABASE "+name)
	return s.URL(name)
}

// URL returns the URL of a database of this server, for a superuser.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(superuser, password),
		Host:   s.Address(),
		Path:   "/" + database,
	}
	return u.String()
}

// Address returns the server's host and port.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Password returns the password that is in the server's URLs.
func (s *Server) Password() string { return password }

// Exec runs statements in the database of a URL.
func (s *Server) Exec(t testing.TB, url, statements string) {
	t.Helper()
	s.connected(t, url, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statements)
		return err
	})
}

// Set changes a setting of the server, for sessions that there are and for those that begin.
func (s *Server) Set(t testing.TB, setting, value string) {
	t.Helper()
	s.Exec(t, s.URL("postgres"), fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", setting, value))
	s.Exec(t, s.URL("postgres"), "SELECT pg_reload_conf()")
	// The server reads it soon, and hands it to sessions that begin from then on.
	for current := ""; current != value; {
		s.connected(t, s.URL("postgres"), func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&current)
		})
	}
}

func (s *Server) connected(t testing.TB, url string, work func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := work(ctx, conn); err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
}

// Stop ends the server as an administrator does: first the connections, then the server.
func (s *Server) Stop() { s.postmaster.end(syscall.SIGINT) }

// Crash ends the server at once and saves nothing: on its next start it must recover from its log.
func (s *Server) Crash() { s.postmaster.end(syscall.SIGQUIT) }

// Resume starts the server after Stop or Crash, at the address that it had.
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
	_ = os.RemoveAll(s.folder) // the keeper, who is not root, may not remove it from every parent
}

// start makes a folder, a cluster in it, and a server of it.
func start() (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
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
	// In clear text, for SCRAM would be most of the time that a test takes to connect.
	err := s.programs.run(s.folder, "initdb", "-D", s.data(), "-U", superuser, "-A", "password",
		"--pwfile", passwordFile, "--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	// Between finding a free port and taking it, another program may.
	const attempts = 5
	for attempt := 1; ; attempt++ {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.programs.writeFile(filepath.Join(s.data(), "postgresql.auto.conf"), s.settings()); err != nil {
			return err
		}
		if s.postmaster, err = run(s.programs, s.folder); err == nil {
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

func (s *Server) settings() string {
	return fmt.Sprintf(`
listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
max_connections = 100
shared_buffers = 16MB
fsync = off
full_page_writes = off
`, s.port, s.folder)
}
