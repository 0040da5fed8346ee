// Command docspage writes the page that GET /docs serves: openapi.yaml for people, complete in one file, without scripts
// and without anything from elsewhere.
//
//	docspage openapi.yaml docs.gen.html
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: docspage <description> <page>")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "docspage:", err)
		os.Exit(1)
	}
}

// write reads a description and writes its page.
func write(description, target string) error {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile(description)
	if err != nil {
		return err
	}
	if err := doc.Validate(loader.Context); err != nil {
		return err
	}
	var html bytes.Buffer
	if err := layout.Execute(&html, viewPage(doc)); err != nil {
		return err
	}
	return os.WriteFile(target, html.Bytes(), 0o644) //nolint:gosec // a source file like the others
}
