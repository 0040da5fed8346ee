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
	id, errID := domain.ParseUserID(userID)
	var req api.ReasonRequest
	if err := read.Join(errID, read.OptionalBody(c, &req)); err != nil {
		return err
	}
	user, err := entrance.Of(c).Farm.Restore(c.UserContext(), id, req.Reason)
	return answerUser(c, user, err)
}

// ForceReleaseUser serves POST /v1/users/{user_id}/force-release.
func (circulationRoutes) ForceReleaseUser(c *fiber.Ctx, userID api.UserID) error {
	id, errID := domain.ParseUserID(userID)
	var req api.ForceReleaseRequest
	if err := read.Join(errID, read.OptionalBody(c, &req)); err != nil {
		return err
	}
	var fence uint64
	if req.Fence != nil {
		fence = uint64(*req.Fence) //nolint:gosec // at least 1
	}
	user, err := entrance.Of(c).Farm.ForceRelease(c.UserContext(), id, fence, req.Reason)
	return answerUser(c, user, err)
}
