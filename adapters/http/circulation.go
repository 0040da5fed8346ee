package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// circulationRoutes takes users out of circulation and back.
type circulationRoutes struct{}

// QuarantineUser serves POST /v1/users/{user_id}/quarantine.
func (circulationRoutes) QuarantineUser(c *fiber.Ctx, userID UserID) error {
	id, errID := parseIDAt[domain.UserID]("user_id", userID)
	var req QuarantineRequest
	if err := join(errID, decodeBody(c, &req)); err != nil {
		return err
	}
	user, err := farmOf(c).Quarantine(c.UserContext(), id, req.Reason)
	return answerUser(c, user, err)
}

// RestoreUser serves POST /v1/users/{user_id}/restore.
func (circulationRoutes) RestoreUser(c *fiber.Ctx, userID UserID) error {
	id, reason, err := readReason(c, userID)
	if err != nil {
		return err
	}
	user, err := farmOf(c).Restore(c.UserContext(), id, reason)
	return answerUser(c, user, err)
}

// ForceReleaseUser serves POST /v1/users/{user_id}/force-release.
func (circulationRoutes) ForceReleaseUser(c *fiber.Ctx, userID UserID) error {
	id, reason, err := readReason(c, userID)
	if err != nil {
		return err
	}
	user, err := farmOf(c).ForceRelease(c.UserContext(), id, reason)
	return answerUser(c, user, err)
}

// readReason reads a request that names a user and may give a reason.
func readReason(c *fiber.Ctx, userID UserID) (id domain.UserID, reason string, err error) {
	id, errID := parseIDAt[domain.UserID]("user_id", userID)
	var req ReasonRequest
	err = join(errID, decodeOptionalBody(c, &req))
	return id, req.Reason, err
}
