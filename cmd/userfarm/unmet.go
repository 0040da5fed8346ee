package main

import (
	"fmt"
	"math"
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
		parts = append(parts, holders(*occupancy, mostHolders, whole)...)
		switch occupancy.Waiting {
		case 0:
		case 1:
			parts = append(parts, "1 other waits in line")
		default:
			parts = append(parts, fmt.Sprintf("%d others wait in line", occupancy.Waiting))
		}
	}
	if len(parts) == 0 {
		return refusal.Reason.Error()
	}
	return refusal.Reason.Error() + ": " + strings.Join(parts, ", ")
}

// mostHolders is how many holders one line names.
const mostHolders = 3

// whole is the length of names that are not shortened.
const whole = math.MaxInt

// holders says who has the users, or why nobody can get them. It names at most so many holders. Names that are longer are shortened.
func holders(occupancy domain.Occupancy, most, longest int) (said []string) {
	for _, h := range occupancy.HeldBy[:min(len(occupancy.HeldBy), most)] {
		held := shorten(h.Login, longest) + " is held by " + shorten(ownerText(h.Owner), longest)
		if !h.ExpiresAt.IsZero() {
			held += " until " + h.ExpiresAt.Local().Format(time.TimeOnly)
		}
		said = append(said, held)
	}
	if more := len(occupancy.HeldBy) - most; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	if len(occupancy.Quarantined) > 0 {
		said = append(said, "too many users that match are in quarantine: restore one, or add users")
	}
	return said
}

// shorten leaves out the middle of a name that takes more columns of a terminal than longest: its ends tell it from others.
func shorten(name string, longest int) string {
	if columns(name) <= longest {
		return name
	}
	runes := []rune(name)
	for kept := len(runes) - 1; ; kept-- {
		short := string(runes[:(kept+1)/2]) + "…" + string(runes[len(runes)-kept/2:])
		if kept == 0 || columns(short) <= longest {
			return short
		}
	}
}
