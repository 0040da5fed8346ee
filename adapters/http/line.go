package http

import (
	"github.com/gofiber/fiber/v2"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/adapters/http/internal/entrance"
	"github.com/userfarm/userfarm/adapters/http/internal/read"
	"github.com/userfarm/userfarm/domain"
)

// lineRoutes show who waits.
type lineRoutes struct{}

// lineQuery is the query of GET /v1/line.
type lineQuery struct{ limit int }

var lineParameters = read.Parameters[lineQuery]{
	"limit": read.LimitParameter(func(q *lineQuery) *int { return &q.limit }),
}

// ListLine serves GET /v1/line.
func (lineRoutes) ListLine(c *fiber.Ctx) error {
	query := lineQuery{limit: read.DefaultLimit}
	if err := lineParameters.Read(read.RawQuery(c), &query); err != nil {
		return err
	}
	line, total, err := entrance.Of(c).Farm.Line(c.UserContext(), query.limit)
	if err != nil {
		return err
	}
	waiters := make([]api.Waiter, len(line))
	for i, w := range line {
		waiters[i] = api.Waiter{
			Position: i + 1,
			Owner:    w.Owner,
			Note:     w.Note,
			Key:      viewKeyID(w.Key),
			Users:    viewWant(w.Want),
			Since:    w.Since.UTC(),
			Until:    w.Until.UTC(),
		}
	}
	return c.JSON(api.Line{Total: total, Waiters: waiters})
}

// viewWant returns selectors with the fields that they set.
func viewWant(want []domain.Selector) []api.WaiterSelector {
	selectors := make([]api.WaiterSelector, len(want))
	for i, s := range want {
		if !s.UserID.IsZero() {
			selectors[i].UserID = new(s.UserID.String())
		}
		if !s.ProjectID.IsZero() {
			selectors[i].ProjectID = new(s.ProjectID.String())
		}
		if s.Env != "" {
			selectors[i].Env = &s.Env
		}
		if s.Domain != "" {
			selectors[i].Domain = &s.Domain
		}
		if len(s.Labels) > 0 {
			selectors[i].Labels = new(api.Labels(s.Labels))
		}
	}
	return selectors
}
