package completion

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Files stands for the names of files, which the shell knows.
const Files = ":files"

// Candidate is a word that a command line may have.
type Candidate struct{ Word, Help string }

// Values returns the values that a flag or an argument may have, if the parser does not know them. [Files] alone stands for files.
type Values func(line *Line, value *kong.Value) []string

// Candidates returns the words that the last word of the line may become.
func (l *Line) Candidates(values Values) []Candidate {
	switch {
	case l.flag != nil:
		return l.values(l.flag.Value, values)
	case l.prefix != "": // of an unknown flag
		return nil
	case !l.ended && strings.HasPrefix(l.current, "-"):
		return l.flagsToCome()
	case len(l.node.Children) > 0 && l.positional == 0:
		return l.commands()
	default:
		return l.arguments(values)
	}
}

func (l *Line) commands() []Candidate {
	var candidates []Candidate
	for _, child := range l.node.Children {
		if !child.Hidden && strings.HasPrefix(child.Name, l.current) {
			candidates = append(candidates, Candidate{child.Name, child.Help})
		}
	}
	return candidates
}

// flagsToCome returns the flags that are not yet on the line, or may be repeated.
func (l *Line) flagsToCome() []Candidate {
	var candidates []Candidate
	for _, flag := range l.flags() {
		_, given := l.given[flag.Name]
		if word := "--" + flag.Name; strings.HasPrefix(word, l.current) && (!given || flag.IsCumulative()) {
			candidates = append(candidates, Candidate{word, flag.Help})
		}
	}
	slices.SortFunc(candidates, func(a, b Candidate) int { return strings.Compare(a.Word, b.Word) })
	return candidates
}

// arguments returns values of the argument that the word is. The last argument may be many.
func (l *Line) arguments(values Values) []Candidate {
	arguments := l.node.Positional
	if l.positional >= len(arguments) {
		if len(arguments) == 0 || !arguments[len(arguments)-1].IsCumulative() {
			return nil
		}
		l.positional = len(arguments) - 1
	}
	return l.values(arguments[l.positional], values)
}

// values returns the values that begin like the word. In names, upper and lower case do not matter.
func (l *Line) values(value *kong.Value, values Values) []Candidate {
	known := value.EnumSlice()
	if value.Enum == "" {
		known = values(l, value)
	}
	var candidates []Candidate
	for _, word := range known {
		if word == Files {
			return []Candidate{{Word: Files}}
		}
		if word != "" && strings.HasPrefix(strings.ToLower(word), strings.ToLower(l.current)) {
			candidates = append(candidates, Candidate{Word: l.prefix + word})
		}
	}
	return candidates
}

// Write writes candidates for the scripts: each on a line, with the first sentence of its help after a tab.
func Write(w io.Writer, candidates []Candidate) error {
	for _, c := range candidates {
		text := c.Word
		if help, _, _ := strings.Cut(c.Help, ". "); help != "" {
			text += "\t" + strings.TrimSuffix(help, ".")
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}
