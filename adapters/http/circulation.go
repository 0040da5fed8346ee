package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// circulationRoutes take users out of circulation and back.
type circulationRoutes struct{}

// QuarantineUser serves POST /v1/users/{user_id}/quarantine.
func (circulationRoutes) QuarantineUser(c *fiber.Ctx, userID api.UserID) error {
	id, errID := domain.ParseUserID(userID)
	var req api.QuarantineRequest
	if err := read.Join(errID, read.Body(c, &req)); err != nil {
		return err
	}
	user, err := entrance.Of(c).Farm.Quarantine(c.UserContext(), id, req.Reason)
	return answerUser(c, user, err)
}

// RestoreUser serves POST /v1/users/{user_id}/restore.
func (circulationRoutes) RestoreUser(c *fiber.Ctx, userID api.UserID) error {
	id, reason, err := readReason(c, userID)
	if err != nil {
		return err
	}
	user, err := entrance.Of(c).Farm.Restore(c.UserContext(), id, reason)
	return answerUser(c, user, err)
}

// ForceReleaseUser serves POST /v1/users/{user_id}/force-release.
func (circulationRoutes) ForceReleaseUser(c *fiber.Ctx, userID api.UserID) error {
	id, reason, err := readReason(c, userID)
	if err != nil {
		return err
	}
	user, err := entrance.Of(c).Farm.ForceRelease(c.UserContext(), id, reason)
	return answerUser(c, user, err)
}

// readReason reads a request that names a user and may give a reason.
func readReason(c *fiber.Ctx, userID api.UserID) (id domain.UserID, reason string, err error) {
	id, errID := domain.ParseUserID(userID)
	var req api.ReasonRequest
	err = read.Join(errID, read.OptionalBody(c, &req))
	return id, req.Reason, err
}
