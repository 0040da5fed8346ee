package domain

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// IsBlank reports whether people can't see a character in a text: it is a blank, a line break, or invisible.
func IsBlank(r rune) bool {
	if unicode.Is(unicode.Prepended_Concatenation_Mark, r) { // visible signs among the format characters
		return false
	}
	return unicode.IsSpace(r) || r == brailleBlank ||
		unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

const brailleBlank = '\u2800'

// blankNames are the names of the blanks that come along when people copy a text.
var blankNames = map[rune]string{
	' ':          "SPACE",
	'\u00a0':     "NO-BREAK SPACE",
	'\u00ad':     "SOFT HYPHEN",
	'\u034f':     "COMBINING GRAPHEME JOINER",
	'\u2002':     "EN SPACE",
	'\u2003':     "EM SPACE",
	'\u2007':     "FIGURE SPACE",
	'\u2009':     "THIN SPACE",
	'\u200a':     "HAIR SPACE",
	'\u200b':     "ZERO WIDTH SPACE",
	'\u200c':     "ZERO WIDTH NON-JOINER",
	'\u200d':     "ZERO WIDTH JOINER",
	'\u200e':     "LEFT-TO-RIGHT MARK",
	'\u200f':     "RIGHT-TO-LEFT MARK",
	'\u2028':     "LINE SEPARATOR",
	'\u2029':     "PARAGRAPH SEPARATOR",
	'\u202a':     "LEFT-TO-RIGHT EMBEDDING",
	'\u202b':     "RIGHT-TO-LEFT EMBEDDING",
	'\u202c':     "POP DIRECTIONAL FORMATTING",
	'\u202d':     "LEFT-TO-RIGHT OVERRIDE",
	'\u202e':     "RIGHT-TO-LEFT OVERRIDE",
	'\u202f':     "NARROW NO-BREAK SPACE",
	'\u2060':     "WORD JOINER",
	'\u2066':     "LEFT-TO-RIGHT ISOLATE",
	'\u2067':     "RIGHT-TO-LEFT ISOLATE",
	'\u2068':     "FIRST STRONG ISOLATE",
	'\u2069':     "POP DIRECTIONAL ISOLATE",
	brailleBlank: "BRAILLE PATTERN BLANK",
	'\u3000':     "IDEOGRAPHIC SPACE",
	'\u3164':     "HANGUL FILLER",
	'\ufe0f':     "VARIATION SELECTOR-16",
	'\ufeff':     "ZERO WIDTH NO-BREAK SPACE",
}

// login checks a login. If it had at its ends what people can't see, it would look like the login of another user, and be the
// same account of the system under test.
func (v *violations) login(pointer, login string) { v.visible(pointer, login, maxName) }

// visible checks a text like name. At its ends it must not have what people can't see: it would look like another name, and files of
// users would lose it. The names of pools of older users may have it.
func (v *violations) visible(pointer, value string, longest int) {
	before := len(*v)
	v.name(pointer, value, longest)
	if len(*v) > before {
		return
	}
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case IsBlank(first):
		v.add(pointer, "must not begin with the invisible character %s", nameOfBlank(first))
	case IsBlank(last):
		v.add(pointer, "must not end with the invisible character %s", nameOfBlank(last))
	}
}

// nameOfBlank returns the number of a character in Unicode, and its name if it is common.
func nameOfBlank(r rune) string {
	if name, common := blankNames[r]; common {
		return fmt.Sprintf("%U %s", r, name)
	}
	return fmt.Sprintf("%U", r)
}
