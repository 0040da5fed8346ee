package domain_test

import (
	"errors"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestAnImportIsCompleteWithAllRowsOnce(t *testing.T) {
	for name, test := range map[string]struct {
		rows  int
		parts []domain.StagedPart
		want  error
	}{
		"all rows":        {5, []domain.StagedPart{{FirstRow: 3, Rows: 3}, {FirstRow: 1, Rows: 2}}, nil},
		"nothing":         {0, nil, domain.ErrImportIncomplete},
		"no part":         {1, nil, domain.ErrImportIncomplete},
		"a gap":           {4, []domain.StagedPart{{FirstRow: 1, Rows: 2}, {FirstRow: 4, Rows: 2}}, domain.ErrImportIncomplete},
		"an overlap":      {4, []domain.StagedPart{{FirstRow: 1, Rows: 2}, {FirstRow: 2, Rows: 2}}, domain.ErrImportIncomplete},
		"no first row":    {2, []domain.StagedPart{{FirstRow: 2, Rows: 2}}, domain.ErrImportIncomplete},
		"too few rows":    {3, []domain.StagedPart{{FirstRow: 1, Rows: 2}}, domain.ErrImportIncomplete},
		"too many rows":   {1, []domain.StagedPart{{FirstRow: 1, Rows: 2}}, domain.ErrImportIncomplete},
		"a refused part":  {2, []domain.StagedPart{{FirstRow: 1, Rows: 2}, {FirstRow: 3, Rows: 1, Refused: true}}, domain.ErrImportIncomplete},
		"a refused first": {2, []domain.StagedPart{{FirstRow: 1, Rows: 2, Refused: true}}, domain.ErrImportIncomplete},
	} {
		if err := domain.CheckComplete(test.rows, test.parts); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
