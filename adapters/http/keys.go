package http

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keyRoutes manage the API keys.
type keyRoutes struct{}

// CreateKey serves POST /v1/keys.
func (keyRoutes) CreateKey(c *fiber.Ctx) error {
	var req api.NewKey
	err := read.Body(c, &req)
	spec := domain.KeySpec{Name: req.Name, Role: domain.Role(req.Role), Reason: req.Reason}
	if req.Projects != nil {
		projects := make([]domain.ProjectID, len(req.Projects))
		for i, project := range req.Projects {
			projects[i], _ = read.ID[domain.ProjectID](project) // read.Body has checked it
		}
		spec.Scope = domain.Only(projects...)
	}
	if req.ExpiresInSeconds != nil {
		spec.TTL = time.Duration(*req.ExpiresInSeconds) * time.Second
	}
	if err != nil {
		return read.WithRules(err, domain.CheckKeySpec(spec))
	}
	key, token, err := entrance.Of(c).Farm.CreateKey(c.UserContext(), spec)
	if err != nil {
		return err
	}
	c.Location("/v1/keys/" + key.ID.String())
	return c.Status(fiber.StatusCreated).JSON(viewCreatedKey(key, token))
}

// ListKeys serves GET /v1/keys.
func (keyRoutes) ListKeys(c *fiber.Ctx) error {
	query := ports.KeyQuery{Limit: read.DefaultLimit}
	if err := keyParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	page, err := entrance.Of(c).Farm.Keys(c.UserContext(), query)
	if err != nil {
		return err
	}
	keys := make([]api.Key, len(page.Keys))
	for i, key := range page.Keys {
		keys[i] = viewKey(key)
	}
	return c.JSON(api.KeyPage{Keys: keys, NextCursor: read.FormatCursor(page.Next)})
}

// ReadKey serves GET /v1/keys/{key_id}.
func (keyRoutes) ReadKey(c *fiber.Ctx, keyID api.KeyID) error {
	id, err := domain.ParseAPIKeyID(keyID)
	if err != nil {
		return err
	}
	key, err := entrance.Of(c).Farm.Key(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.JSON(viewKey(key))
}

// RevokeKey serves POST /v1/keys/{key_id}/revoke.
func (keyRoutes) RevokeKey(c *fiber.Ctx, keyID api.KeyID) error {
	id, errID := domain.ParseAPIKeyID(keyID)
	var req api.ReasonRequest
	if err := read.Join(errID, read.OptionalBody(c, &req)); err != nil {
		return err
	}
	key, err := entrance.Of(c).Farm.RevokeKey(c.UserContext(), id, req.Reason)
	if err != nil {
		return err
	}
	return c.JSON(viewKey(key))
}

// keyParameters are the query of GET /v1/keys.
var keyParameters = read.Parameters[ports.KeyQuery]{
	"limit":  read.LimitParameter(func(q *ports.KeyQuery) *int { return &q.Limit }),
	"cursor": read.CursorParameter(func(q *ports.KeyQuery) *domain.APIKeyID { return &q.After }),
}

// viewKey returns an API key without its token.
func viewKey(key domain.KeyView) api.Key {
	view := api.Key{
		KeyID:      key.ID.String(),
		Name:       key.Name,
		Role:       api.Role(key.Role),
		Status:     api.KeyStatus(key.Status),
		CreatedAt:  key.CreatedAt.UTC(),
		CreatedBy:  viewKeyID(key.CreatedBy),
		ExpiresAt:  viewTime(key.ExpiresAt),
		RevokedAt:  viewTime(key.RevokedAt),
		RevokedBy:  viewKeyID(key.RevokedBy),
		LastUsedAt: viewTime(key.LastUsedAt),
	}
	if key.Scope.Limited {
		projects := key.Scope.Names()
		view.Projects = &projects
	}
	return view
}

// viewCreatedKey returns a new API key with its token, which no other answer has.
func viewCreatedKey(key domain.KeyView, token domain.Token) api.CreatedKey {
	view := viewKey(key)
	return api.CreatedKey{
		KeyID:      view.KeyID,
		Name:       view.Name,
		Role:       view.Role,
		Projects:   view.Projects,
		Status:     view.Status,
		CreatedAt:  view.CreatedAt,
		CreatedBy:  view.CreatedBy,
		ExpiresAt:  view.ExpiresAt,
		RevokedAt:  view.RevokedAt,
		RevokedBy:  view.RevokedBy,
		LastUsedAt: view.LastUsedAt,
		Token:      token.Reveal(),
	}
}

// viewKeyID returns the id of an API key; nil, which is null in JSON, for the zero id.
func viewKeyID(id domain.APIKeyID) *string {
	if id.IsZero() {
		return nil
	}
	text := id.String()
	return &text
}
