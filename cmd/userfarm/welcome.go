package main

import (
	"context"
	"fmt"
)

// welcome tells somebody who tries the program for the first time what to do.
type welcome struct{}

// Run writes the three commands that matter.
func (*welcome) Run(context.Context) error {
	_, err := fmt.Print(`userfarm stores test users and hands each one to one test at a time.

Run a farm on this machine:
  userfarm serve

Give it a test user; the project is any UUID:
  userfarm users add ann --project 5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39 --env stage --domain regular

Run tests with a user that no other test has:
  userfarm run --env stage --wait 5m -- npx playwright test

userfarm --help lists all commands.
`)
	return err
}
