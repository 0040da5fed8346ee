package main

import (
	_ "embed"
	"html/template"
	"regexp"
	"strings"
)

//go:embed layout.gohtml
var layoutText string

var layout = template.Must(template.New("page").Funcs(template.FuncMap{
	"prose":  prose,
	"inline": inline,
	"lower":  strings.ToLower,
	"join":   func(words []string) string { return strings.Join(words, ", ") },
}).Parse(layoutText))

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	strong   = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// prose returns the HTML for a text of the description: paragraphs, code and emphasis, which is all the Markdown it has.
func prose(text string) template.HTML {
	var html strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph != "" {
			html.WriteString("<p>" + string(inline(paragraph)) + "</p>\n")
		}
	}
	return template.HTML(html.String()) //nolint:gosec // inline escaped it
}

// inline is prose without paragraphs.
func inline(text string) template.HTML {
	text = template.HTMLEscapeString(text)
	text = codeSpan.ReplaceAllString(text, "<code>$1</code>")
	return template.HTML(strong.ReplaceAllString(text, "<strong>$1</strong>")) //nolint:gosec // is escaped
}
