package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// unmet says why an acquire got no users. The text of the farm is for programs that have sent JSON.
func unmet(refusal *domain.UnmatchedError) string {
	parts := []string{}
	for _, miss := range refusal.Closest {
		parts = append(parts, miss.String())
	}
	if occupancy := refusal.Occupancy; occupancy != nil {
		parts = append(parts, holders(*occupancy)...)
		if occupancy.Waiting > 0 {
			parts = append(parts, fmt.Sprintf("waiting in line: %d", occupancy.Waiting))
		}
	}
	if len(parts) == 0 {
		return refusal.Reason.Error()
	}
	return refusal.Reason.Error() + ": " + strings.Join(parts, ", ")
}

// mostHolders is how many holders one line names.
const mostHolders = 3

// holders says who has the users, or why nobody can get them.
func holders(occupancy domain.Occupancy) (said []string) {
	for _, h := range occupancy.HeldBy[:min(len(occupancy.HeldBy), mostHolders)] {
		held := fmt.Sprintf("%s is held by %s", h.Login, cmp.Or(h.Owner, "a caller without a name"))
		if !h.ExpiresAt.IsZero() {
			held += " until " + h.ExpiresAt.Local().Format(time.TimeOnly)
		}
		said = append(said, held)
	}
	if more := len(occupancy.HeldBy) - mostHolders; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	if len(occupancy.Quarantined) > 0 {
		said = append(said, "too many users that match are in quarantine: restore one, or add users")
	}
	return said
}
