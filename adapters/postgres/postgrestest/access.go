package postgrestest

import (
	"context"
	"crypto/rand"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Access is the access of a superuser to a server on which a test creates databases.
type Access struct {
	home *url.URL // of a database that is always there
	drop bool     // the server outlives the tests, so each test drops its databases
}

// NewDatabase creates an empty database and returns its URL.
func (a *Access) NewDatabase(t testing.TB) string {
	t.Helper()
	return a.NewDatabaseIn(t, "UTF8")
}

// NewDatabaseIn creates an empty database with an encoding and returns its URL.
func (a *Access) NewDatabaseIn(t testing.TB, encoding string) string {
	t.Helper()
	name := "userfarm_test_" + strings.ToLower(rand.Text())
	a.create(t, name, encoding)
	if a.drop {
		t.Cleanup(func() { a.Exec(t, a.home.String(), "DROP DATABASE "+name+" WITH (FORCE)") })
	}
	return a.URL(name)
}

// CreateDatabase creates an empty database with a name. It has the same locale on every server.
func (a *Access) CreateDatabase(t testing.TB, name string) {
	t.Helper()
	a.create(t, name, "UTF8")
}

func (a *Access) create(t testing.TB, name, encoding string) {
	t.Helper()
	a.Exec(t, a.home.String(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C'")
}

// URL returns the URL of a database of the server.
func (a *Access) URL(database string) string {
	u := *a.home
	u.Path = "/" + database
	return u.String()
}

// Address returns the server's host and port.
func (a *Access) Address() string {
	port := a.home.Port()
	if port == "" {
		port = "5432"
	}
	return net.JoinHostPort(a.home.Hostname(), port)
}

// Password returns the password in the server's URLs.
func (a *Access) Password() string {
	password, _ := a.home.User.Password()
	return password
}

// Exec runs statements in the database of a URL.
func (a *Access) Exec(t testing.TB, url, statements string) {
	t.Helper()
	connected(t, url, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statements)
		return err
	})
}

func connected(t testing.TB, url string, work func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	failIf(t, err)
	defer func() { _ = conn.Close(ctx) }()
	failIf(t, work(ctx, conn))
}
