package http

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/adapters/http/problem"
	"github.com/userfarm/userfarm/domain"
)

// sessionRoutes keep what holders saved of a login.
type sessionRoutes struct{}

// ReadSession serves GET /v1/leases/{lease_id}/users/{user_id}/session.
func (sessionRoutes) ReadSession(c *fiber.Ctx, leaseID api.LeaseID, userID api.UserID) error {
	lease, user, err := heldUser(leaseID, userID)
	if err != nil {
		return err
	}
	saved, err := entrance.Of(c).Farm.Session(c.UserContext(), lease, user)
	if err != nil {
		return explainHeld(err)
	}
	tag := tagOf(saved)
	c.Set(fiber.HeaderETag, tag)
	if isOneOf(tag, c.Get(fiber.HeaderIfNoneMatch)) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	return c.JSON(api.Session{Session: saved.Text.Reveal(), SavedAt: saved.SavedAt.UTC(), ExpiresAt: viewTime(saved.ExpiresAt)})
}

// SaveSession serves PUT /v1/leases/{lease_id}/users/{user_id}/session.
func (sessionRoutes) SaveSession(c *fiber.Ctx, leaseID api.LeaseID, userID api.UserID) error {
	lease, user, errID := heldUser(leaseID, userID)
	var req api.NewSession
	err := read.Join(errID, read.Body(c, &req))
	session := domain.NewSession{Text: domain.NewSecret(req.Session)}
	if req.ExpiresInSeconds != nil {
		session.ExpiresIn = time.Duration(*req.ExpiresInSeconds) * time.Second
	}
	if err != nil {
		return read.WithRules(err, domain.CheckSession(session))
	}
	saved, err := entrance.Of(c).Farm.SaveSession(c.UserContext(), lease, user, session)
	if err != nil {
		return explainHeld(err)
	}
	c.Set(fiber.HeaderETag, tagOf(saved))
	return c.JSON(api.SavedSession{SavedAt: saved.SavedAt.UTC(), ExpiresAt: viewTime(saved.ExpiresAt)})
}

// DropSession serves DELETE /v1/leases/{lease_id}/users/{user_id}/session.
func (sessionRoutes) DropSession(c *fiber.Ctx, leaseID api.LeaseID, userID api.UserID) error {
	lease, user, err := heldUser(leaseID, userID)
	if err != nil {
		return err
	}
	if err := entrance.Of(c).Farm.DropSession(c.UserContext(), lease, user); err != nil {
		return explainHeld(err)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// heldUser reads the ids of a lease and of a user of it.
func heldUser(leaseID api.LeaseID, userID api.UserID) (domain.LeaseID, domain.UserID, error) {
	lease, errLease := domain.ParseLeaseID(leaseID)
	user, errUser := domain.ParseUserID(userID)
	return lease, user, read.Join(errLease, errUser)
}

// explainHeld explains an error about a user of a lease.
func explainHeld(err error) error {
	if errors.Is(err, domain.ErrUserNotFound) {
		return problem.Explain(err, "The lease has no user with this id.")
	}
	return err
}

// tagOf returns the ETag of a session. It differs from that of every other session of the user.
func tagOf(saved domain.Session) string {
	return `"` + strconv.FormatInt(saved.SavedAt.UnixMicro(), 36) + `"`
}

// isOneOf reports whether an If-None-Match has a tag.
func isOneOf(tag, condition string) bool {
	for given := range strings.SplitSeq(condition, ",") {
		if given = strings.TrimSpace(given); given == "*" || strings.TrimPrefix(given, "W/") == tag {
			return true
		}
	}
	return false
}
