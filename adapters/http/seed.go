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

// seedRoutes are the routes that userfarm began with.
type seedRoutes struct {
	long *longRequests
	log  *slog.Logger
}

// Ping serves GET /ping.
func (seedRoutes) Ping(c *fiber.Ctx) error { return c.JSON(SeedPing{Test: "ok"}) }

// SeedCreateUser serves POST /create_user.
func (seedRoutes) SeedCreateUser(c *fiber.Ctx) error {
	fields, err := readSeedFields(c)
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
	return c.JSON(viewSeedUser(domain.Account{View: user, Password: spec.Password}))
}

// SeedGetUsers serves GET /get_users.
func (r seedRoutes) SeedGetUsers(c *fiber.Ctx) error {
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

// SeedAcquireLock serves POST /acquire_lock.
func (seedRoutes) SeedAcquireLock(c *fiber.Ctx) error {
	id, err := readSeedUserID(c)
	if err != nil {
		return err
	}
	since, err := farmOf(c).LockOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerSeedLock(c, fiber.StatusOK, id, since, SeedLockStatusDone)
	case errors.Is(err, domain.ErrUserLocked):
		return refuseSeedLock(c, fiber.StatusConflict, id, SeedLockStatusAlreadyLocked)
	case errors.Is(err, domain.ErrUserQuarantined):
		return refuseSeedLock(c, fiber.StatusConflict, id, SeedLockStatusQuarantined)
	case errors.Is(err, domain.ErrUserNotFound):
		return refuseSeedLock(c, fiber.StatusNotFound, id, SeedLockStatusUserNotFound)
	default:
		return err
	}
}

// SeedReleaseLock serves POST /release_lock.
func (seedRoutes) SeedReleaseLock(c *fiber.Ctx) error {
	id, err := readSeedUserID(c)
	if err != nil {
		return err
	}
	err = farmOf(c).ReleaseOpen(c.UserContext(), id)
	switch {
	case err == nil:
		return answerSeedLock(c, fiber.StatusOK, id, time.Time{}, SeedLockStatusDone)
	case errors.Is(err, domain.ErrUserFree):
		return answerSeedLock(c, fiber.StatusOK, id, time.Time{}, SeedLockStatusAlreadyFree)
	case errors.Is(err, domain.ErrHeldByLease):
		return refuseSeedLock(c, fiber.StatusConflict, id, SeedLockStatusHeldByLease)
	case errors.Is(err, domain.ErrUserNotFound):
		return refuseSeedLock(c, fiber.StatusNotFound, id, SeedLockStatusUserNotFound)
	default:
		return err
	}
}

func readSeedUserID(c *fiber.Ctx) (domain.UserID, error) {
	fields, err := readSeedFields(c)
	if err != nil {
		return domain.UserID{}, err
	}
	id := domain.UserID(fields.id("user_id"))
	return id, fields.err()
}

func answerSeedLock(c *fiber.Ctx, status int, id domain.UserID, since time.Time, text SeedLockStatus) error {
	return c.Status(status).JSON(SeedLock{User: id.String(), Locktime: (*locktime)(&since), Status: text})
}

func refuseSeedLock(c *fiber.Ctx, status int, id domain.UserID, text SeedLockStatus) error {
	return c.Status(status).JSON(SeedLock{User: id.String(), Status: text})
}

func viewSeedUser(account domain.Account) SeedUser {
	var since time.Time
	if account.Lock != nil {
		since = account.Lock.AcquiredAt
	}
	return SeedUser{
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
