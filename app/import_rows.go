package app

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/userfarm/userfarm/domain"
)

// projectRule is the rule about projects outside of the caller's scope.
const projectRule = "must be a project of the API key"

// twinRule is the rule that a row breaks whose identity another row has.
func twinRule(row int) string {
	return "must not be that of another row; row " + strconv.Itoa(row) + " has it, too"
}

// stagedRows are rows of an import as plain data, with their secrets, for a store that seals them.
type stagedRows struct {
	Key    domain.APIKeyID // of the caller
	Reason string          `json:",omitempty"`
	Rows   []stagedRow
}

type stagedRow struct {
	Login    string
	Pool     domain.Pool
	Password *string        `json:",omitempty"`
	Labels   *domain.Labels `json:",omitempty"`
	TOTP     *string        `json:",omitempty"` // empty for none
}

// encodeRows returns rows of a caller, and the reason of their import, as one secret.
func encodeRows(caller domain.Caller, rows []domain.ImportRow, reason string) domain.Secret {
	staged := stagedRows{Key: caller.Key, Reason: reason, Rows: make([]stagedRow, len(rows))}
	for i, row := range rows {
		staged.Rows[i] = stagedRow{Login: row.Login, Pool: row.Pool, Labels: row.Labels}
		if row.Password != nil {
			staged.Rows[i].Password = new(row.Password.Reveal())
		}
		if row.TOTP != nil {
			staged.Rows[i].TOTP = new(row.TOTP.URI().Reveal())
		}
	}
	encoded, err := json.Marshal(staged)
	if err != nil {
		panic(err) // a bug: rows are plain data
	}
	return domain.NewSecret(string(encoded))
}

// decodeRows returns what was encoded.
func decodeRows(encoded domain.Secret) (importRows, error) {
	var staged stagedRows
	if err := json.Unmarshal([]byte(encoded.Reveal()), &staged); err != nil {
		return importRows{}, errUnreadableRows // the error of the decoder may quote a secret
	}
	rows := make([]domain.ImportRow, len(staged.Rows))
	for i, row := range staged.Rows {
		rows[i] = domain.ImportRow{Login: row.Login, Pool: row.Pool, Labels: row.Labels}
		if row.Password != nil {
			rows[i].Password = new(domain.NewSecret(*row.Password))
		}
		if row.TOTP == nil {
			continue
		}
		rows[i].TOTP = new(domain.TOTP{})
		if *row.TOTP != "" {
			totp, err := domain.ParseTOTP(*row.TOTP)
			if err != nil {
				return importRows{}, errUnreadableRows
			}
			*rows[i].TOTP = totp
		}
	}
	return importRows{caller: domain.Caller{Key: staged.Key}, reason: staged.Reason, rows: rows}, nil
}

var errUnreadableRows = errors.New("the rows of an import can't be read")
