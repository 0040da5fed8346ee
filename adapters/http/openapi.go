package http

import _ "embed"

// After a change of openapi.yaml, run `go generate ./adapters/http` and commit what it wrote.
//
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config codegen.yaml openapi.yaml
//go:generate go run ./docspage openapi.yaml docs.gen.html

//go:embed openapi.yaml
var openapi []byte

//go:embed docs.gen.html
var docsPage []byte
