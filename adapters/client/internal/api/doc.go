// Package api has the requests that a client of openapi.yaml sends, and the types of their bodies and answers, as generated code.
//
// After a change of openapi.yaml, run go generate ./adapters/client/... and commit the result.
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config codegen.yaml ../../../http/openapi.yaml
