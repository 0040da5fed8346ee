package domain

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Labels distinguish the users of a pool: role=admin, plan=free.
type Labels map[string]string

const (
	maxLabels     = 64
	maxLabelValue = 255
)

// labelKey excludes characters that the wire (k:v) or the query languages of the stores would have to escape.
var labelKey = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$`)

// Contain reports whether l has every label of wanted, with the same value.
func (l Labels) Contain(wanted Labels) bool {
	for k, v := range wanted {
		if have, ok := l[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// Clone returns a copy that is never nil.
func (l Labels) Clone() Labels {
	if l == nil {
		return Labels{}
	}
	return maps.Clone(l)
}

func (v *violations) labels(pointer string, l Labels) {
	if len(l) > maxLabels {
		v.add(pointer, "must have at most %d labels", maxLabels)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(l)) {
		at := pointer + "/" + pointerEscape.Replace(k)
		if !labelKey.MatchString(k) {
			v.add(at, "must have a key of 1 to 63 letters, digits, '.', '_', '/' or '-' that starts and ends with a letter or digit")
			continue
		}
		v.text(at, l[k], maxLabelValue)
	}
}

// pointerEscape is RFC 6901, section 3.
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")
