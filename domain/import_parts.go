package domain

import (
	"cmp"
	"slices"
)

// StagedPart is a part of an import that a store keeps until the import is decided.
type StagedPart struct {
	FirstRow int // from 1
	Rows     int
	Refused  bool // a row of it breaks a rule
}

// CheckComplete returns [ErrImportIncomplete] unless the parts have the rows of an import from the first to the last, each once, and
// none was refused.
func CheckComplete(rows int, parts []StagedPart) error {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b StagedPart) int { return cmp.Compare(a.FirstRow, b.FirstRow) })
	next := 1
	for _, part := range parts {
		if part.Refused || part.FirstRow != next {
			return ErrImportIncomplete
		}
		next += part.Rows
	}
	if rows == 0 || next != rows+1 {
		return ErrImportIncomplete
	}
	return nil
}
