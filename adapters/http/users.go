package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// userRoutes keeps the users of the farm.
type userRoutes struct{}

// CreateUser serves POST /v1/users.
func (userRoutes) CreateUser(c *fiber.Ctx) error {
	key, errKey := readIdempotencyKey(c)
	var req NewUser
	err := join(decodeBody(c, &req), errKey)
	totp, errTOTP := readTOTP(req.TOTPSecret)
	spec := domain.Spec{
		Login:    req.Login,
		Password: domain.NewSecret(req.Password),
		Pool: domain.Pool{
			ProjectID: checkedID[domain.ProjectID](req.ProjectID), Env: req.Env, Domain: req.Domain,
		},
		Labels: domain.Labels(req.Labels),
		TOTP:   totp,
	}
	if err := join(err, errTOTP); err != nil {
		return withRules(err, domain.CheckSpec(spec))
	}
	user, err := farmOf(c).CreateUser(c.UserContext(), spec, key)
	if err != nil {
		return err
	}
	c.Location("/v1/users/" + user.ID.String())
	return c.Status(fiber.StatusCreated).JSON(viewUser(user))
}

// ListUsers serves GET /v1/users.
func (userRoutes) ListUsers(c *fiber.Ctx) error {
	query, err := parseFilter(rawQuery(c))
	if err != nil {
		return err
	}
	page, err := farmOf(c).Users(c.UserContext(), query)
	if err != nil {
		return err
	}
	return c.JSON(UserPage{Users: viewUsers(page.Users), NextCursor: formatCursor(page.Next)})
}

// ReadUser serves GET /v1/users/{user_id}.
func (userRoutes) ReadUser(c *fiber.Ctx, userID UserID) error {
	id, err := parseIDAt[domain.UserID]("user_id", userID)
	if err != nil {
		return err
	}
	user, err := farmOf(c).User(c.UserContext(), id)
	return answerUser(c, user, err)
}

// ChangeUser serves PATCH /v1/users/{user_id}.
func (userRoutes) ChangeUser(c *fiber.Ctx, userID UserID) error {
	id, errID := parseIDAt[domain.UserID]("user_id", userID)
	var req UserChange
	err := join(errID, decodeBody(c, &req))
	totp, errTOTP := readTOTP(req.TOTPSecret)
	if err := join(err, errTOTP); err != nil {
		return err
	}
	change := domain.Change{Labels: (*domain.Labels)(req.Labels)}
	if req.TOTPSecret != nil {
		change.TOTP = &totp
	}
	if req.Password != nil {
		password := domain.NewSecret(*req.Password)
		change.Password = &password
	}
	user, err := farmOf(c).ChangeUser(c.UserContext(), id, change)
	return answerUser(c, user, err)
}

// RemoveUser serves DELETE /v1/users/{user_id}.
func (userRoutes) RemoveUser(c *fiber.Ctx, userID UserID) error {
	id, err := parseIDAt[domain.UserID]("user_id", userID)
	if err != nil {
		return err
	}
	if err := farmOf(c).RemoveUser(c.UserContext(), id); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func answerUser(c *fiber.Ctx, user domain.View, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(viewUser(user))
}
