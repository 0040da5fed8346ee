package http

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// GiveCode serves POST /v1/leases/{lease_id}/users/{user_id}/otp.
func (r leaseRoutes) GiveCode(c *fiber.Ctx, leaseID LeaseID, userID UserID) error {
	lease, errLease := parseIDAt[domain.LeaseID]("lease_id", leaseID)
	user, errUser := parseIDAt[domain.UserID]("user_id", userID)
	var req CodeRequest
	err := join(errLease, errUser, decodeOptionalBody(c, &req))
	wait := seconds(&req.WaitSeconds)
	if err != nil {
		return withRules(err, domain.CheckWait(wait))
	}
	farm := farmOf(c)
	var code domain.OneTimeCode
	err = r.waiting.run(c, wait, func(ctx context.Context) (err error) {
		code, err = farm.OneTimeCode(ctx, lease, user, wait)
		return err
	})
	if errors.Is(err, domain.ErrUserNotFound) {
		return explain(err, "The lease has no user with this id.")
	}
	if err != nil {
		return err
	}
	return c.JSON(OneTimeCode{
		Code:             code.Code.Reveal(),
		RemainingSeconds: int(code.Remaining / time.Second),
		ExpiresAt:        code.ExpiresAt.UTC(),
	})
}

// readTOTP reads the secret of a second factor; there is none if nothing or an empty text is given.
func readTOTP(text *string) (domain.TOTP, error) {
	if unlessNil(text) == "" {
		return domain.TOTP{}, nil
	}
	return domain.ParseTOTP(*text)
}
