package main

import (
	"cmp"
	"errors"
	"strings"

	"github.com/userfarm/userfarm/domain"
)

// inputNames maps the names of fields in requests, which errors of the farm point at, to what people have written.
var inputNames = map[string]string{
	"ttl_seconds": "--ttl, in seconds,", "wait_seconds": "--wait, in seconds,", "owner": "--owner", "project_id": "--project", "env": "--env", "domain": "--domain",
	"name":   "the name",
	"labels": "--label", "label": "--label", "reason": "--reason", "quarantine": "--quarantine", "limit": "--limit", "login": "the login",
	"password": "the password", "totp_secret": "the second factor", "user_id": "the id of the user",
}

// invalid returns the error of a request with the names of flags in place of pointers.
func invalid(err *domain.InvalidError) error {
	fields := make([]string, len(err.Fields))
	for i, field := range err.Fields {
		fields[i] = inputName(field.Pointer) + " " + field.Detail
	}
	return errors.New(strings.Join(fields, "; "))
}

// inputName returns the name of the outermost field of a pointer that has one; the pointer itself if none has.
func inputName(pointer string) string {
	if strings.HasPrefix(pointer, "/quarantine/") && strings.HasSuffix(pointer, "/user_id") {
		return "--user"
	}
	for segment := range strings.SplitSeq(pointer, "/") {
		if name := inputNames[segment]; name != "" {
			return name
		}
	}
	return cmp.Or(pointer, "the request")
}
