package http

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/oapi-codegen/runtime/types"

	"github.com/userfarm/userfarm/domain"
)

// maxWhole is the most bytes of users that are sent at once, which costs less than fasthttp's chunks of 4 KiB.
const maxWhole = 512 << 10

// legacyRoutes are the routes that userfarm began with.
type legacyRoutes struct {
	long *longRequests
	log  *slog.Logger
}

// Ping serves GET /ping.
func (legacyRoutes) Ping(c *fiber.Ctx) error { return c.JSON(LegacyPing{Test: "ok"}) }

// LegacyCreateUser serves POST /create_user.
func (legacyRoutes) LegacyCreateUser(c *fiber.Ctx) error {
	fields, err := readLegacyFields(c)
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
		return withRules(err, domain.CheckSpec(spec))
	}
	user, err := farmOf(c).CreateUser(c.UserContext(), spec, domain.IdempotencyKey{})
	if err != nil {
		return err
	}
	return c.JSON(viewLegacyUser(domain.Account{View: user, Password: spec.Password}))
}

// LegacyGetUsers serves GET /get_users.
func (r legacyRoutes) LegacyGetUsers(c *fiber.Ctx) error {
	stream, err := openAccountStream(c.UserContext(), farmOf(c), r.log)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	if c.Method() == fiber.MethodHead {
		return stream.Close() // fasthttp ends even the stream that it doesn't send, which garbles the next answer
	}
	if users, ok := stream.whole(maxWhole); ok {
		return errors.Join(c.Send(users), stream.Close())
	}
	in, done, err := r.long.begin(admissionOf(c))
	if err != nil {
		return errors.Join(err, stream.Close())
	}
	stream.endWith(in, done)
	return c.SendStream(stream)
}

// LegacyAcquireLock serves POST /acquire_lock.
func (legacyRoutes) LegacyAcquireLock(c *fiber.Ctx) error {
	id, err := readLegacyUserID(c)
	if err != nil {
		return err
	}
	since, err := farmOf(c).LockOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerLegacyLock(c, fiber.StatusOK, id, since, LegacyLockStatusDone)
	case errors.Is(err, domain.ErrUserLocked):
		return refuseLegacyLock(c, fiber.StatusConflict, id, LegacyLockStatusAlreadyLocked)
	case errors.Is(err, domain.ErrUserQuarantined):
		return refuseLegacyLock(c, fiber.StatusConflict, id, LegacyLockStatusQuarantined)
	case errors.Is(err, domain.ErrUserNotFound):
		return refuseLegacyLock(c, fiber.StatusNotFound, id, LegacyLockStatusUserNotFound)
	default:
		return err
	}
}

// LegacyReleaseLock serves POST /release_lock.
func (legacyRoutes) LegacyReleaseLock(c *fiber.Ctx) error {
	id, err := readLegacyUserID(c)
	if err != nil {
		return err
	}
	err = farmOf(c).ReleaseOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerLegacyLock(c, fiber.StatusOK, id, time.Time{}, LegacyLockStatusDone)
	case errors.Is(err, domain.ErrUserFree):
		return answerLegacyLock(c, fiber.StatusOK, id, time.Time{}, LegacyLockStatusAlreadyFree)
	case errors.Is(err, domain.ErrHeldByLease):
		return refuseLegacyLock(c, fiber.StatusConflict, id, LegacyLockStatusHeldByLease)
	case errors.Is(err, domain.ErrUserNotFound):
		return refuseLegacyLock(c, fiber.StatusNotFound, id, LegacyLockStatusUserNotFound)
	default:
		return err
	}
}

func readLegacyUserID(c *fiber.Ctx) (domain.UserID, error) {
	fields, err := readLegacyFields(c)
	if err != nil {
		return domain.UserID{}, err
	}
	id := domain.UserID(fields.id("user_id"))
	return id, fields.err()
}

func answerLegacyLock(c *fiber.Ctx, status int, id domain.UserID, since time.Time, text LegacyLockStatus) error {
	return c.Status(status).JSON(LegacyLock{User: id.String(), Locktime: (*locktime)(&since), Status: text})
}

func refuseLegacyLock(c *fiber.Ctx, status int, id domain.UserID, text LegacyLockStatus) error {
	return c.Status(status).JSON(LegacyLock{User: id.String(), Status: text})
}

func viewLegacyUser(account domain.Account) LegacyUser {
	var since time.Time
	if account.Lock != nil {
		since = account.Lock.AcquiredAt
	}
	return LegacyUser{
		UserID:    account.ID.String(),
		CreatedAd: types.Date{Time: account.CreatedAt.UTC()},
		Login:     account.Login,
		Password:  account.Password.Reveal(),
		ProjectID: account.Pool.ProjectID.String(),
		Env:       account.Pool.Env,
		Domain:    account.Pool.Domain,
		Locktime:  locktime(since),
	}
}
