package sqlite

import (
	"slices"
	"strings"
)

// blockRows is how many rows are in a block.
const blockRows = 25

// insertion adds rows, one with a statement, or a block of them: that saves what each statement costs beside its row.
type insertion struct{ one, block string }

// newInsertion returns an insertion whose statements end with the text end.
func newInsertion(into, values, end string) insertion {
	return insertion{
		one:   into + " VALUES " + values + end,
		block: into + " VALUES " + values + strings.Repeat(", "+values, blockRows-1) + end,
	}
}

// insert adds rows, and returns how many it added.
func (tx *transaction) insert(i insertion, rows [][]any) (added int64, err error) {
	for block := range slices.Chunk(rows, blockRows) {
		text := i.block
		if len(block) < blockRows {
			text = i.one
		} else {
			block = [][]any{slices.Concat(block...)}
		}
		for _, args := range block {
			n, err := tx.exec(text, args...)
			if err != nil {
				return added, err
			}
			added += n
		}
	}
	return added, nil
}
