package http

import "github.com/userfarm/userfarm/ports"

// parseKeyFilter reads the query of GET /v1/keys.
func parseKeyFilter(rawQuery string) (ports.KeyQuery, error) {
	q := ports.KeyQuery{Limit: defaultLimit}
	if err := keyFilters.read(rawQuery, &q); err != nil {
		return ports.KeyQuery{}, err
	}
	return q, nil
}

// keyFilters are the parameters of GET /v1/keys.
var keyFilters = parameters[ports.KeyQuery]{
	"limit": once(func(q *ports.KeyQuery, value string) string {
		return filterParsed(&q.Limit, value, parseLimit, limitRule)
	}),
	"cursor": once(func(q *ports.KeyQuery, value string) string {
		return filterParsed(&q.After, value, parseCursor, cursorRule)
	}),
}
