package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/userfarm/userfarm/adapters/bunstore"
	farmhttp "github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/postgres"
	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/adapters/sqlite"
	"github.com/userfarm/userfarm/app"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// BenchmarkGetUsers gets all users of a farm with 1,000 users over HTTP, and compares that with the simplest implementation: select the
// table into a slice of Bun models, open the passwords, and encode with encoding/json.
func BenchmarkGetUsers(b *testing.B) {
	const users = 1000
	keys, err := sealing.NewKeyRing(make([]byte, sealing.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("sqlite", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "users.db")
		store, err := sqlite.Open(b.Context(), path, keys, bunstore.Logins{})
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		addUsers(b, store, users)
		db := openBun(b, "sqlite", path)
		defer db.Close()
		benchmarkGetUsers(b, store, keys, bun.NewDB(db, sqlitedialect.New()))
	})
	b.Run("postgres", func(b *testing.B) {
		url := postgrestest.Start(b).NewDatabase(b)
		store, err := postgres.Open(b.Context(), url, keys, bunstore.Logins{})
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		addUsers(b, store, users)
		db := openBun(b, "pgx", url)
		defer db.Close()
		benchmarkGetUsers(b, store, keys, bun.NewDB(db, pgdialect.New()))
	})
}

func openBun(b *testing.B, driver, name string) *sql.DB {
	b.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func benchmarkGetUsers(b *testing.B, store ports.Store, keys *sealing.KeyRing, db *bun.DB) {
	farm, err := app.New(store, app.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("farm", func(b *testing.B) {
		server, err := farmhttp.New(app.NewGate(farm, true), store, farmhttp.Settings{Limits: farmhttp.DefaultLimits()},
			slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		get(b, server.Serve, server.Shutdown)
	})
	b.Run("naive", func(b *testing.B) {
		server := fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true})
		server.Get("/get_users", getUsersNaively(db, keys))
		get(b, server.Listener, server.ShutdownWithContext)
	})
}

// naiveRow is the model of the table users.
type naiveRow struct {
	bun.BaseModel `bun:"table:users"`

	UserID           string            `bun:"user_id,pk"`
	CreatedAt        int64             `bun:"created_at"`
	ProjectID        string            `bun:"project_id"`
	Env              string            `bun:"env"`
	Domain           string            `bun:"domain"`
	Login            string            `bun:"login"`
	Password         []byte            `bun:"password"`
	Labels           map[string]string `bun:"labels"`
	Fence            int64             `bun:"fence"`
	FreeAt           int64             `bun:"free_at"`
	ReleasedAt       int64             `bun:"released_at"`
	LockLease        []byte            `bun:"lock_lease"`
	LockPosition     int               `bun:"lock_position"`
	LockOwner        string            `bun:"lock_owner"`
	LockNote         string            `bun:"lock_note"`
	LockAcquiredAt   int64             `bun:"lock_acquired_at"`
	LockExpiresAt    int64             `bun:"lock_expires_at"`
	QuarantineReason string            `bun:"quarantine_reason"`
	QuarantinedAt    int64             `bun:"quarantined_at"`
}

// naiveUser has the keys of an answer of GET /get_users.
type naiveUser struct {
	UserID    string  `json:"user_id"`
	CreatedAd string  `json:"created_ad"`
	Login     string  `json:"login"`
	Password  string  `json:"password"`
	ProjectID string  `json:"project_id"`
	Env       string  `json:"env"`
	Domain    string  `json:"domain"`
	Locktime  float64 `json:"locktime"`
}

func getUsersNaively(db *bun.DB, keys *sealing.KeyRing) fiber.Handler {
	return func(c *fiber.Ctx) error {
		var rows []naiveRow
		if err := db.NewSelect().Model(&rows).Order("user_id").Scan(c.UserContext()); err != nil {
			return err
		}
		users := make([]naiveUser, len(rows))
		for i, r := range rows {
			password, err := keys.Open(domain.UserID(uuid.MustParse(r.UserID)), r.Password)
			if err != nil {
				return err
			}
			users[i] = naiveUser{
				UserID: r.UserID, CreatedAd: time.UnixMicro(r.CreatedAt).UTC().Format(time.DateOnly), Login: r.Login,
				Password: password.Reveal(), ProjectID: r.ProjectID, Env: r.Env, Domain: r.Domain,
				Locktime: float64(r.LockAcquiredAt) / 1e6,
			}
		}
		body, err := json.Marshal(users)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(body)
	}
}

// get measures GET /get_users of a server with sequential requests.
func get(b *testing.B, serve func(net.Listener) error, shutdown func(context.Context) error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	url := "http://" + listener.Addr().String() + "/get_users"

	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("status %d, then %v", resp.StatusCode, err)
		}
		b.SetBytes(n)
	}
	transport.CloseIdleConnections()
	if err := shutdown(context.Background()); err != nil {
		b.Error(err)
	}
	if err := <-served; err != nil {
		b.Error(err)
	}
}

// addUsers adds n users to a store.
func addUsers(b *testing.B, store ports.Store, n int) {
	b.Helper()
	pool := domain.Pool{ProjectID: domain.ProjectID{1}, Env: "staging", Domain: "shop.example.com"}
	users := make([]*domain.User, n)
	for i := range users {
		now := time.Now().UTC().Truncate(time.Microsecond)
		user, err := domain.NewUser(domain.NewUserID(now), now, domain.Spec{
			Login:    fmt.Sprintf("user-%d@example.com", i),
			Password: domain.NewSecret(fmt.Sprintf("correct horse %d", i)),
			Pool:     pool,
		})
		if err != nil {
			b.Fatal(err)
		}
		users[i] = user
	}
	if err := store.Add(b.Context(), domain.Once{}, users...); err != nil {
		b.Fatal(err)
	}
}
