package http

import "github.com/userfarm/userfarm/domain"

// viewKey returns an API key as the wire shows it.
func viewKey(key domain.KeyView) Key {
	return Key{
		KeyID:      key.ID.String(),
		Name:       key.Name,
		Role:       Role(key.Role),
		Projects:   viewScope(key.Scope),
		Status:     KeyStatus(key.Status),
		CreatedAt:  key.CreatedAt.UTC(),
		CreatedBy:  viewKeyID(key.CreatedBy),
		ExpiresAt:  unlessZero(key.ExpiresAt),
		RevokedAt:  unlessZero(key.RevokedAt),
		RevokedBy:  viewKeyID(key.RevokedBy),
		LastUsedAt: unlessZero(key.LastUsedAt),
	}
}

// viewCreatedKey returns an API key as the wire shows it to who made it, this once.
func viewCreatedKey(key domain.KeyView, token domain.Token) CreatedKey {
	view := viewKey(key)
	return CreatedKey{
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

// viewKeyID returns the id of an API key; nil, which is null on the wire, if there is none.
func viewKeyID(id domain.APIKeyID) *string {
	if id.IsZero() {
		return nil
	}
	text := id.String()
	return &text
}

func viewKeys(keys []domain.KeyView) []Key {
	views := make([]Key, len(keys))
	for i, key := range keys {
		views[i] = viewKey(key)
	}
	return views
}

// viewScope returns the projects of a scope; nil, which is null on the wire, if it is all projects.
func viewScope(scope domain.Scope) *[]string {
	if !scope.Limited {
		return nil
	}
	projects := scope.Names()
	return &projects
}
