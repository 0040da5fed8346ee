// Package api has the routes of openapi.yaml and the types of their requests and answers, as generated code.
//
// After a change of openapi.yaml, run go generate ./adapters/http/... and commit the result.
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config codegen.yaml ../../openapi.yaml
