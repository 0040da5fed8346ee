package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"time"

	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

type listKeys struct {
	boot.StoreConfig `embed:""`

	JSON bool `help:"Write JSON, as GET /v1/keys does."`
}

func (l *listKeys) Run(ctx context.Context) error {
	return withAPIKeys(ctx, l.StoreConfig, false, func(keys ports.Keys) error {
		all, err := allKeys(ctx, keys)
		if err != nil {
			return err
		}
		if l.JSON {
			return writeKeysJSON(os.Stdout, all)
		}
		return writeKeys(os.Stdout, all)
	})
}

func allKeys(ctx context.Context, keys ports.Keys) ([]domain.KeyView, error) {
	var all []domain.KeyView
	for q := (ports.KeyQuery{Limit: 1000}); ; {
		page, err := keys.Keys(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Keys...)
		if q.After = page.Next; q.After.IsZero() {
			return all, nil
		}
	}
}

func writeKeys(w io.Writer, keys []domain.KeyView) error {
	rows := [][]string{{"ID", "NAME", "ROLE", "PROJECTS", "STATUS", "CREATED", "EXPIRES", "LAST USED", "MADE BY"}}
	for _, key := range keys {
		projects := "all"
		if key.Scope.Limited {
			projects = strings.Join(key.Scope.Names(), ",")
		}
		rows = append(rows, []string{
			key.ID.String(), key.Name, string(key.Role), projects, string(key.Status),
			timeOr("", key.CreatedAt), timeOr("never", key.ExpiresAt), timeOr("never", key.LastUsedAt), maker(key),
		})
	}
	return writeTable(w, rows)
}

// maker returns the id of the API key with which this one was created.
func maker(key domain.KeyView) string {
	if key.CreatedBy.IsZero() {
		return "-"
	}
	return key.CreatedBy.String()
}

func timeOr(never string, at time.Time) string {
	if at.IsZero() {
		return never
	}
	return at.UTC().Format(time.RFC3339)
}

// listedKey is an API key as in the answer to GET /v1/keys.
type listedKey struct {
	ID         string           `json:"key_id"`
	Name       string           `json:"name"`
	Role       domain.Role      `json:"role"`
	Projects   []string         `json:"projects"` // null for all
	Status     domain.KeyStatus `json:"status"`
	CreatedAt  time.Time        `json:"created_at"`
	CreatedBy  *string          `json:"created_by"`
	ExpiresAt  *time.Time       `json:"expires_at"`
	RevokedAt  *time.Time       `json:"revoked_at"`
	RevokedBy  *string          `json:"revoked_by"`
	LastUsedAt *time.Time       `json:"last_used_at"`
}

func writeKeysJSON(w io.Writer, keys []domain.KeyView) error {
	listed := make([]listedKey, len(keys))
	for i, key := range keys {
		listed[i] = listedKey{
			ID: key.ID.String(), Name: key.Name, Role: key.Role, Status: key.Status,
			CreatedAt: key.CreatedAt.UTC(), CreatedBy: unlessNone(key.CreatedBy),
			ExpiresAt: unlessZero(key.ExpiresAt),
			RevokedAt: unlessZero(key.RevokedAt), RevokedBy: unlessNone(key.RevokedBy),
			LastUsedAt: unlessZero(key.LastUsedAt),
		}
		if key.Scope.Limited {
			listed[i].Projects = key.Scope.Names()
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Keys []listedKey `json:"keys"`
	}{listed})
}

func unlessNone(id domain.APIKeyID) *string {
	if id.IsZero() {
		return nil
	}
	text := id.String()
	return &text
}

func unlessZero(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
