// Package legacy serves the legacy routes: the five routes of the first version of the service. They lock a user by its id
// alone. Their requests may be JSON, forms or queries, and their answers have shapes of their own.
package legacy

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/oapi-codegen/runtime/types"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// maxWhole is the most bytes of users that are sent at once. A stream costs more: fasthttp sends chunks of 4 KiB.
const maxWhole = 512 << 10

// Routes has a handler for each legacy route.
type Routes struct {
	Long *entrance.LongRequests
	Log  *slog.Logger
}

// Ping serves GET /ping.
func (Routes) Ping(c *fiber.Ctx) error { return c.JSON(api.LegacyPing{Test: "ok"}) }

// LegacyCreateUser serves POST /create_user.
func (Routes) LegacyCreateUser(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	spec := domain.Spec{
		Login:    fields.text("login"),
		Password: domain.NewSecret(fields.text("password")),
		Pool: domain.Pool{
			Domain:    fields.text("domain"),
			ProjectID: domain.ProjectID(fields.id("project_id")),
			Env:       fields.text("env"),
		},
	}
	if err := fields.err(); err != nil {
		return read.WithRules(err, domain.CheckSpec(spec))
	}
	user, err := entrance.Of(c).Farm.CreateUser(c.UserContext(), spec, domain.IdempotencyKey{})
	if err != nil {
		return err
	}
	return c.JSON(viewUser(domain.Account{View: user, Password: spec.Password}))
}

// LegacyGetUsers serves GET /get_users.
func (r Routes) LegacyGetUsers(c *fiber.Ctx) error {
	stream, err := openStream(c.UserContext(), entrance.Of(c).Farm, r.Log)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	if c.Method() == fiber.MethodHead {
		return stream.Close() // fasthttp would write the end of the stream, and so break the next answer
	}
	if users, ok := stream.whole(maxWhole); ok {
		return errors.Join(c.Send(users), stream.Close())
	}
	authorized, done, err := r.Long.Begin(c)
	if err != nil {
		return errors.Join(err, stream.Close())
	}
	stream.endWith(authorized, done)
	return c.SendStream(stream)
}

// LegacyAcquireLock serves POST /acquire_lock.
func (Routes) LegacyAcquireLock(c *fiber.Ctx) error {
	id, err := readUserID(c)
	if err != nil {
		return err
	}
	since, err := entrance.Of(c).Farm.LockOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerLock(c, fiber.StatusOK, id, &since, api.LegacyLockStatusDone)
	case errors.Is(err, domain.ErrUserLocked):
		return answerLock(c, fiber.StatusConflict, id, nil, api.LegacyLockStatusAlreadyLocked)
	case errors.Is(err, domain.ErrUserQuarantined):
		return answerLock(c, fiber.StatusConflict, id, nil, api.LegacyLockStatusQuarantined)
	case errors.Is(err, domain.ErrUserNotFound):
		return answerLock(c, fiber.StatusNotFound, id, nil, api.LegacyLockStatusUserNotFound)
	default:
		return err
	}
}

// LegacyReleaseLock serves POST /release_lock.
func (Routes) LegacyReleaseLock(c *fiber.Ctx) error {
	id, err := readUserID(c)
	if err != nil {
		return err
	}
	err = entrance.Of(c).Farm.ReleaseOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerLock(c, fiber.StatusOK, id, &time.Time{}, api.LegacyLockStatusDone)
	case errors.Is(err, domain.ErrUserFree):
		return answerLock(c, fiber.StatusOK, id, &time.Time{}, api.LegacyLockStatusAlreadyFree)
	case errors.Is(err, domain.ErrHeldByLease):
		return answerLock(c, fiber.StatusConflict, id, nil, api.LegacyLockStatusHeldByLease)
	case errors.Is(err, domain.ErrUserNotFound):
		return answerLock(c, fiber.StatusNotFound, id, nil, api.LegacyLockStatusUserNotFound)
	default:
		return err
	}
}

func readUserID(c *fiber.Ctx) (domain.UserID, error) {
	fields, err := readFields(c)
	if err != nil {
		return domain.UserID{}, err
	}
	id := domain.UserID(fields.id("user_id"))
	return id, fields.err()
}

// answerLock answers with the time of a lock: zero for a user that is free now, nil if nothing was done.
func answerLock(c *fiber.Ctx, status int, id domain.UserID, since *time.Time, text api.LegacyLockStatus) error {
	return c.Status(status).JSON(api.LegacyLock{User: id.String(), Locktime: (*api.Locktime)(since), Status: text})
}

func viewUser(account domain.Account) api.LegacyUser {
	var since time.Time
	if account.Lock != nil {
		since = account.Lock.AcquiredAt
	}
	return api.LegacyUser{
		UserID:    account.ID.String(),
		CreatedAd: types.Date{Time: account.CreatedAt.UTC()},
		Login:     account.Login,
		Password:  account.Password.Reveal(),
		ProjectID: account.Pool.ProjectID.String(),
		Env:       account.Pool.Env,
		Domain:    account.Pool.Domain,
		Locktime:  api.Locktime(since),
	}
}
