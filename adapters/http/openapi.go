package http

import _ "embed"

// After a change of openapi.yaml, run `go generate ./adapters/http` and commit the result.
//
//go:generate go run ./docspage openapi.yaml docs.gen.html

//go:embed openapi.yaml
var openapi []byte

//go:embed docs.gen.html
var docsPage []byte
