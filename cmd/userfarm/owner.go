package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/userfarm/userfarm/domain"
)

// ownerFlags say who acquires, for people that look for the users.
type ownerFlags struct {
	Owner string `help:"Who holds the users, for people. The default is the account and the host name." placeholder:"NAME" env:"USERFARM_OWNER"`
}

// terms returns the terms of an acquire for a program. Their note is that of no other process, so that this one finds itself in line.
func (o *ownerFlags) terms(program string) domain.Terms {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	account := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"), "somebody")
	return domain.Terms{
		Owner: cmp.Or(o.Owner, account+"@"+host), Note: fmt.Sprintf("%s, process %d on %s", program, os.Getpid(), host),
	}
}
