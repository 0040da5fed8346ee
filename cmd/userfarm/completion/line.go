package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Line is a command line up to the word that is to be completed.
type Line struct {
	node       *kong.Node
	given      map[string]string // the values of flags; empty for a flag without one
	positional int               // how many arguments precede the word
	flag       *kong.Flag        // whose value the word is, or nil
	ended      bool              // flags: after --
	prefix     string            // of the word, which is not part of the value: --flag=
	current    string            // the word, or its value
}

// NewLine reads the words after the name of the program. The last one is to be completed. Bash passes --flag=value as three words.
func NewLine(app *kong.Node, words []string) *Line {
	if len(words) == 0 {
		words = []string{""}
	}
	l := &Line{node: app, given: map[string]string{}}
	last := len(words) - 1
	for _, word := range words[:last] {
		l.read(word)
	}
	l.current = words[last]
	switch name, value, found := strings.Cut(l.current, "="); {
	case l.flag != nil && l.current == "=":
		l.current = ""
	case l.flag == nil && !l.ended && found && strings.HasPrefix(name, "--"):
		l.flag, l.prefix, l.current = l.find(name), name+"=", value
	}
	return l
}

// read reads a word before the last one.
func (l *Line) read(word string) {
	switch {
	case l.flag != nil && word == "=":
	case l.flag != nil:
		l.given[l.flag.Name], l.flag = word, nil
	case l.ended:
		l.positional++
	case word == "--":
		l.ended = true
	case strings.HasPrefix(word, "-") && len(word) > 1:
		name, value, found := strings.Cut(word, "=")
		flag := l.find(name)
		if flag == nil {
			return
		}
		l.given[flag.Name] = value
		if !found && !flag.IsBool() {
			l.flag = flag
		}
	default:
		for _, child := range l.node.Children {
			if child.Name == word && l.positional == 0 {
				l.node = child
				return
			}
		}
		l.positional++
	}
}

// flags returns the flags of the command, and those of the command that it is by default.
func (l *Line) flags() []*kong.Flag {
	var flags []*kong.Flag
	for _, group := range l.node.AllFlags(true) {
		flags = append(flags, group...)
	}
	if l.node.DefaultCmd != nil {
		flags = append(flags, l.node.DefaultCmd.Flags...)
	}
	return flags
}

// find returns the flag of a word such as --env or -h; nil if there is none.
func (l *Line) find(word string) *kong.Flag {
	for _, flag := range l.flags() {
		if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

// Given returns the value that a flag has on the line; empty if it has none.
func (l *Line) Given(flag string) string { return l.given[flag] }

// Has reports whether the command has a flag.
func (l *Line) Has(flag string) bool {
	return slices.ContainsFunc(l.flags(), func(f *kong.Flag) bool { return f.Name == flag })
}

// Command returns the full name of the command, such as "users list".
func (l *Line) Command() string {
	var names []string
	for node := l.node; node.Parent != nil; node = node.Parent {
		names = append(names, node.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, " ")
}
