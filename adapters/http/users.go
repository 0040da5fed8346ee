package http

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// userRoutes manage the users of the farm.
type userRoutes struct{}

// CreateUser serves POST /v1/users.
func (userRoutes) CreateUser(c *fiber.Ctx) error {
	key, errKey := read.Header(c, "Idempotency-Key", domain.NewIdempotencyKey)
	var req api.NewUser
	err := read.Join(read.Body(c, &req), errKey)
	project, _ := read.ID[domain.ProjectID](req.ProjectID) // read.Body has checked it
	totp, errTOTP := readTOTP(req.TOTPSecret)
	spec := domain.Spec{
		Login:    req.Login,
		Password: domain.NewSecret(req.Password),
		Pool:     domain.Pool{ProjectID: project, Env: req.Env, Domain: req.Domain},
		Labels:   domain.Labels(req.Labels),
		TOTP:     totp,
		Reason:   req.Reason,
	}
	if err := read.Join(err, errTOTP); err != nil {
		return read.WithRules(err, domain.CheckSpec(spec))
	}
	user, err := entrance.Of(c).Farm.CreateUser(c.UserContext(), spec, key)
	if err != nil {
		return err
	}
	c.Location("/v1/users/" + user.ID.String())
	return c.Status(fiber.StatusCreated).JSON(viewUser(user))
}

// ListUsers serves GET /v1/users.
func (userRoutes) ListUsers(c *fiber.Ctx) error {
	query := ports.Query{Limit: read.DefaultLimit}
	if err := userParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	page, err := entrance.Of(c).Farm.Users(c.UserContext(), query)
	if err != nil {
		return err
	}
	users := make([]api.User, len(page.Users))
	for i, user := range page.Users {
		users[i] = viewUser(user)
	}
	return c.JSON(api.UserPage{Users: users, NextCursor: read.FormatCursor(page.Next)})
}

// ReadUser serves GET /v1/users/{user_id}.
func (userRoutes) ReadUser(c *fiber.Ctx, userID api.UserID) error {
	id, err := domain.ParseUserID(userID)
	if err != nil {
		return err
	}
	user, err := entrance.Of(c).Farm.User(c.UserContext(), id)
	return answerUser(c, user, err)
}

// ChangeUser serves PATCH /v1/users/{user_id}.
func (userRoutes) ChangeUser(c *fiber.Ctx, userID api.UserID) error {
	id, errID := domain.ParseUserID(userID)
	var req api.UserChange
	err := read.Join(errID, read.Body(c, &req))
	totp, errTOTP := readTOTP(req.TOTPSecret)
	if err := read.Join(err, errTOTP); err != nil {
		return err
	}
	change := domain.Change{Labels: (*domain.Labels)(req.Labels), Reason: req.Reason}
	if req.TOTPSecret != nil {
		change.TOTP = &totp
	}
	if req.Password != nil {
		password := domain.NewSecret(*req.Password)
		change.Password = &password
	}
	user, err := entrance.Of(c).Farm.ChangeUser(c.UserContext(), id, change)
	return answerUser(c, user, err)
}

// RemoveUser serves DELETE /v1/users/{user_id}.
func (userRoutes) RemoveUser(c *fiber.Ctx, userID api.UserID) error {
	id, errID := domain.ParseUserID(userID)
	var reason string
	if err := read.Join(errID, removalParameters.Read(read.RawQuery(c), &reason)); err != nil {
		return err
	}
	if err := entrance.Of(c).Farm.RemoveUser(c.UserContext(), id, reason); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// removalParameters are the query of DELETE /v1/users/{user_id}.
var removalParameters = read.Parameters[string]{"reason": reasonParameter(func(reason *string) *string { return reason })}

// reasonParameter is a parameter with the reason of a change, which may be empty. The domain checks it, as in a body.
func reasonParameter[Q any](field func(*Q) *string) read.Parameter[Q] {
	return read.Parsed(field, func(text string) (string, bool) { return text, true }, "")
}

// readTOTP reads the secret of a second factor. It is zero without a text, and for an empty one.
func readTOTP(text *string) (domain.TOTP, error) {
	if text == nil || *text == "" {
		return domain.TOTP{}, nil
	}
	return domain.ParseTOTP(*text)
}

// userParameters are the query of GET /v1/users.
var userParameters = read.Parameters[ports.Query]{
	"project_id": read.IDParameter(func(q *ports.Query) *domain.ProjectID { return &q.ProjectID }),
	"env":        read.TextParameter(func(q *ports.Query) *string { return &q.Env }),
	"domain":     read.TextParameter(func(q *ports.Query) *string { return &q.Domain }),
	"login":      read.TextParameter(func(q *ports.Query) *string { return &q.Login }),
	"label":      readLabels,
	"status": read.Parsed(func(q *ports.Query) *domain.Status { return &q.Status }, func(text string) (domain.Status, bool) {
		return domain.Status(text), api.Status(text).Valid()
	}, "must be free, locked or quarantined"),
	"owner":  read.TextParameter(func(q *ports.Query) *string { return &q.Owner }),
	"order":  read.OrderParameter(func(q *ports.Query) *bool { return &q.NewestFirst }),
	"limit":  read.LimitParameter(func(q *ports.Query) *int { return &q.Limit }),
	"cursor": read.CursorParameter(func(q *ports.Query) *domain.UserID { return &q.After }),
}

// readLabels is the parameter label, which may be repeated.
func readLabels(q *ports.Query, values []string) string {
	q.Labels = domain.Labels{}
	for _, label := range values {
		key, value, ok := strings.Cut(label, ":")
		if !ok || key == "" {
			return "must be a key and a value with a colon between them"
		}
		if before, again := q.Labels[key]; again && before != value {
			return "must not ask for two values of one key"
		}
		if rule := read.TextRule(label); rule != "" {
			return rule
		}
		q.Labels[key] = value
	}
	return ""
}

func answerUser(c *fiber.Ctx, user domain.View, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(viewUser(user))
}

// viewUser returns a user without secrets.
func viewUser(view domain.View) api.User {
	user := api.User{
		UserID:    view.ID.String(),
		CreatedAt: view.CreatedAt.UTC(),
		Login:     view.Login,
		ProjectID: view.Pool.ProjectID.String(),
		Env:       view.Pool.Env,
		Domain:    view.Pool.Domain,
		Labels:    api.Labels(view.Labels),
		HasTOTP:   view.HasTOTP,
		Status:    api.Status(view.Status),
	}
	if lock := view.Lock; lock != nil {
		user.Lock = &api.Lock{
			Owner:      lock.Owner,
			Note:       lock.Note,
			AcquiredAt: lock.AcquiredAt.UTC(),
			ExpiresAt:  viewTime(lock.ExpiresAt),
			Fence:      lock.Fence,
			Renewals:   lock.Renewals,
		}
	}
	if quarantine := view.Quarantine; quarantine != nil {
		user.Quarantine = &api.Quarantine{Reason: quarantine.Reason, Since: quarantine.Since.UTC()}
	}
	return user
}

// viewTime returns a time in UTC; nil, which is null in JSON, for the zero time.
func viewTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
