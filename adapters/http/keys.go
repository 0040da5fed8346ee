package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/domain"
)

// keyRoutes keeps the API keys.
type keyRoutes struct{}

// CreateKey serves POST /v1/keys.
func (keyRoutes) CreateKey(c *fiber.Ctx) error {
	var req NewKey
	err := decodeBody(c, &req)
	spec := domain.KeySpec{
		Name: req.Name, Role: domain.Role(req.Role), Scope: readScope(req.Projects), TTL: seconds(req.ExpiresInSeconds),
	}
	if err != nil {
		return withRules(err, domain.CheckKeySpec(spec))
	}
	key, token, err := farmOf(c).CreateKey(c.UserContext(), spec)
	if err != nil {
		return err
	}
	c.Location("/v1/keys/" + key.ID.String())
	return c.Status(fiber.StatusCreated).JSON(viewCreatedKey(key, token))
}

// ListKeys serves GET /v1/keys.
func (keyRoutes) ListKeys(c *fiber.Ctx) error {
	query, err := parseKeyFilter(rawQuery(c))
	if err != nil {
		return err
	}
	page, err := farmOf(c).Keys(c.UserContext(), query)
	if err != nil {
		return err
	}
	return c.JSON(KeyPage{Keys: viewKeys(page.Keys), NextCursor: formatCursor(page.Next)})
}

// ReadKey serves GET /v1/keys/{key_id}.
func (keyRoutes) ReadKey(c *fiber.Ctx, keyID KeyID) error {
	id, err := parseIDAt[domain.APIKeyID]("key_id", keyID)
	if err != nil {
		return err
	}
	key, err := farmOf(c).Key(c.UserContext(), id)
	return answerKey(c, key, err)
}

// RevokeKey serves POST /v1/keys/{key_id}/revoke.
func (keyRoutes) RevokeKey(c *fiber.Ctx, keyID KeyID) error {
	id, err := parseIDAt[domain.APIKeyID]("key_id", keyID)
	if err != nil {
		return err
	}
	key, err := farmOf(c).RevokeKey(c.UserContext(), id)
	return answerKey(c, key, err)
}

func answerKey(c *fiber.Ctx, key domain.KeyView, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(viewKey(key))
}

// readScope returns the scope of the projects that a request names; all of them if it names none at all.
func readScope(projects []string) domain.Scope {
	if projects == nil {
		return domain.Scope{}
	}
	ids := make([]domain.ProjectID, len(projects))
	for i, project := range projects {
		ids[i] = checkedID[domain.ProjectID](project)
	}
	return domain.Only(ids...)
}
