package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const variablePrefix = "USERFARM_"

// variable is an environment variable that tells a program about its lease.
type variable struct{ name, value string }

// variablesOf returns the environment variables about a lease. Those of its users begin with prefixes.
func variablesOf(lease domain.Lease, prefixes []string) []variable {
	variables := []variable{
		{variablePrefix + "LEASE_ID", lease.ID.Reveal()},
		{variablePrefix + "EXPIRES_AT", lease.ExpiresAt.UTC().Format(time.RFC3339)},
	}
	for i, user := range lease.Users {
		variables = append(variables,
			variable{prefixes[i] + "LOGIN", user.Login},
			variable{prefixes[i] + "PASSWORD", user.Password.Reveal()},
			variable{prefixes[i] + "USER_ID", user.ID.String()},
			variable{prefixes[i] + "FENCE", strconv.FormatUint(user.Fence, 10)},
		)
	}
	return variables
}

// hideSecrets makes GitHub Actions hide the secrets of a lease. The runner reads standard error, too, and standard output is for data.
func hideSecrets(lease domain.Lease) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	for _, mask := range masks(lease) {
		fmt.Fprintln(os.Stderr, mask)
	}
}

// masks returns lines that make GitHub Actions hide the secrets of a lease in the log.
func masks(lease domain.Lease) []string {
	secrets := []string{lease.ID.Reveal()}
	for _, user := range lease.Users {
		secrets = append(secrets, user.Password.Reveal())
	}
	lines := make([]string, len(secrets))
	for i, secret := range secrets {
		lines[i] = "::add-mask::" + maskEscape.Replace(secret)
	}
	return lines
}

// maskEscape is what the runner undoes.
var maskEscape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
