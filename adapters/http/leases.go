package http

import (
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// leaseRoutes lease users to tests.
type leaseRoutes struct{ long *entrance.LongRequests }

// AcquireLease serves POST /v1/leases.
func (r leaseRoutes) AcquireLease(c *fiber.Ctx) error {
	want, terms, errBody := read.Acquire(c)
	key, errKey := read.Header(c, "Idempotency-Key", domain.NewIdempotencyKey)
	if errBody != nil || errKey != nil {
		return read.WithRules(read.Join(errBody, errKey), domain.CheckSelectors(want), domain.CheckTerms(terms))
	}
	ctx, end, err := r.long.Wait(c, terms.Wait)
	if err != nil {
		return err
	}
	lease, err := entrance.Of(c).Farm.Acquire(ctx, want, terms, key)
	if end != nil {
		err = end(err)
	}
	if err != nil {
		return err
	}
	return c.Status(fiber.StatusCreated).JSON(viewLease(lease))
}

// ReadLease serves GET /v1/leases/{lease_id}.
func (leaseRoutes) ReadLease(c *fiber.Ctx, leaseID api.LeaseID) error {
	id, err := domain.ParseLeaseID(leaseID)
	if err != nil {
		return err
	}
	lease, err := entrance.Of(c).Farm.Lease(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.JSON(viewLease(lease))
}

// RenewLease serves POST /v1/leases/{lease_id}/renew.
func (leaseRoutes) RenewLease(c *fiber.Ctx, leaseID api.LeaseID) error {
	id, errID := domain.ParseLeaseID(leaseID)
	var req api.RenewRequest
	if err := read.Join(errID, read.OptionalBody(c, &req)); err != nil {
		return err
	}
	var ttl time.Duration // 0 is the default
	if req.TTLSeconds != nil {
		ttl = time.Duration(*req.TTLSeconds) * time.Second
	}
	lease, err := entrance.Of(c).Farm.Renew(c.UserContext(), id, ttl)
	if err != nil {
		return err
	}
	return c.JSON(viewLease(lease))
}

// ReleaseLease serves POST /v1/leases/{lease_id}/release.
func (leaseRoutes) ReleaseLease(c *fiber.Ctx, leaseID api.LeaseID) error {
	id, errID := domain.ParseLeaseID(leaseID)
	var req api.ReleaseRequest
	if err := read.Join(errID, read.OptionalBody(c, &req)); err != nil {
		return err
	}
	faults := make([]domain.Fault, len(req.Quarantine))
	for i, fault := range req.Quarantine {
		faults[i].UserID, _ = read.ID[domain.UserID](fault.UserID) // read.OptionalBody has checked it
		faults[i].Reason = fault.Reason
	}
	if err := entrance.Of(c).Farm.Release(c.UserContext(), id, faults...); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// GiveCode serves POST /v1/leases/{lease_id}/users/{user_id}/otp.
func (r leaseRoutes) GiveCode(c *fiber.Ctx, leaseID api.LeaseID, userID api.UserID) error {
	lease, user, errID := heldUser(leaseID, userID)
	var req api.CodeRequest
	err := read.Join(errID, read.OptionalBody(c, &req))
	terms := domain.CodeTerms{Wait: time.Duration(req.WaitSeconds) * time.Second}
	if req.MinRemainingSeconds != nil {
		terms.MinRemaining = time.Duration(*req.MinRemainingSeconds) * time.Second
	}
	if err != nil {
		return read.WithRules(err, domain.CheckCodeTerms(terms))
	}
	ctx, end, err := r.long.Wait(c, terms.Wait)
	if err != nil {
		return err
	}
	code, err := entrance.Of(c).Farm.OneTimeCode(ctx, lease, user, terms)
	if end != nil {
		err = end(err)
	}
	if err != nil {
		return explainHeld(err)
	}
	return c.JSON(api.OneTimeCode{
		Code:             code.Code.Reveal(),
		RemainingSeconds: int(code.Remaining / time.Second),
		ExpiresAt:        code.ExpiresAt.UTC(),
	})
}

// viewLease returns a lease as its holder sees it.
func viewLease(lease domain.Lease) api.Lease {
	users := make([]api.LeasedUser, len(lease.Users))
	for i, u := range lease.Users {
		users[i] = api.LeasedUser{
			UserID:    uuid.UUID(u.ID).String(),
			Login:     u.Login,
			Password:  u.Password.Reveal(),
			ProjectID: uuid.UUID(u.Pool.ProjectID).String(),
			Env:       u.Pool.Env,
			Domain:    u.Pool.Domain,
			Labels:    api.Labels(u.Labels),
			HasTOTP:   u.HasTOTP,
			Fence:     u.Fence,

			SessionSavedAt: viewTime(u.SessionSavedAt),
		}
	}
	return api.Lease{
		LeaseID:    lease.ID.Reveal(),
		Owner:      lease.Owner,
		Note:       lease.Note,
		AcquiredAt: lease.AcquiredAt.UTC(),
		ExpiresAt:  lease.ExpiresAt.UTC(),
		Users:      users,
	}
}
