package http

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// leaseRoutes hands users to tests.
type leaseRoutes struct{ waiting waiting }

// AcquireLease serves POST /v1/leases.
func (r leaseRoutes) AcquireLease(c *fiber.Ctx) error {
	key, errKey := readIdempotencyKey(c)
	var req AcquireRequest
	err := join(decodeBody(c, &req), errKey)
	want := readSelectors(req.Users)
	terms := domain.Terms{
		Owner: req.Owner, Note: req.Note, TTL: seconds(req.TTLSeconds), Wait: seconds(&req.WaitSeconds),
	}
	if err != nil {
		return withRules(err, domain.CheckSelectors(want), domain.CheckTerms(terms))
	}
	farm := farmOf(c)
	var lease domain.Lease
	err = r.waiting.run(c, terms.Wait, func(ctx context.Context) (err error) {
		lease, err = farm.Acquire(ctx, want, terms, key)
		return err
	})
	if err != nil {
		return err
	}
	return answerLease(c, fiber.StatusCreated, lease)
}

// ReadLease serves GET /v1/leases/{lease_id}.
func (leaseRoutes) ReadLease(c *fiber.Ctx, leaseID LeaseID) error {
	id, err := parseIDAt[domain.LeaseID]("lease_id", leaseID)
	if err != nil {
		return err
	}
	lease, err := farmOf(c).Lease(c.UserContext(), id)
	if err != nil {
		return err
	}
	return answerLease(c, fiber.StatusOK, lease)
}

// RenewLease serves POST /v1/leases/{lease_id}/renew.
func (leaseRoutes) RenewLease(c *fiber.Ctx, leaseID LeaseID) error {
	id, errID := parseIDAt[domain.LeaseID]("lease_id", leaseID)
	var req RenewRequest
	if err := join(errID, decodeOptionalBody(c, &req)); err != nil {
		return err
	}
	lease, err := farmOf(c).Renew(c.UserContext(), id, seconds(req.TTLSeconds))
	if err != nil {
		return err
	}
	return answerLease(c, fiber.StatusOK, lease)
}

// ReleaseLease serves POST /v1/leases/{lease_id}/release.
func (leaseRoutes) ReleaseLease(c *fiber.Ctx, leaseID LeaseID) error {
	id, errID := parseIDAt[domain.LeaseID]("lease_id", leaseID)
	var req ReleaseRequest
	if err := join(errID, decodeOptionalBody(c, &req)); err != nil {
		return err
	}
	faults := make([]domain.Fault, len(req.Quarantine))
	for i, fault := range req.Quarantine {
		faults[i] = domain.Fault{UserID: checkedID[domain.UserID](fault.UserID), Reason: fault.Reason}
	}
	if err := farmOf(c).Release(c.UserContext(), id, faults...); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func answerLease(c *fiber.Ctx, status int, lease domain.Lease) error {
	return c.Status(status).JSON(viewLease(lease))
}

func readSelectors(selectors []Selector) []domain.Selector {
	want := make([]domain.Selector, len(selectors))
	for i, s := range selectors {
		want[i] = domain.Selector{Env: unlessNil(s.Env), Domain: unlessNil(s.Domain), Labels: domain.Labels(s.Labels)}
		if s.UserID != nil {
			want[i].UserID = checkedID[domain.UserID](*s.UserID)
		}
		if s.ProjectID != nil {
			want[i].ProjectID = checkedID[domain.ProjectID](*s.ProjectID)
		}
	}
	return want
}

// seconds returns a duration; 0, which stands for the default, if there is none.
func seconds(n *int32) time.Duration { return time.Duration(unlessNil(n)) * time.Second }

func unlessNil[T any](value *T) T {
	if value == nil {
		return *new(T)
	}
	return *value
}
