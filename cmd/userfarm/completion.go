package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/userfarm/userfarm/cmd/userfarm/completion"
)

// completionCommand writes a script that completes command lines of userfarm.
type completionCommand struct {
	Shell string `arg:"" help:"Shell that the script is for: ${enum}." enum:"bash,zsh,fish"`
}

// Help has the examples.
func (*completionCommand) Help() string {
	return `The script completes commands, flags, their values, and the names of projects and profiles.

Examples:

  echo 'eval "$(userfarm completion bash)"' >> ~/.bashrc
  echo 'eval "$(userfarm completion zsh)"' >> ~/.zshrc
  userfarm completion fish > ~/.config/fish/completions/userfarm.fish`
}

// Run writes the script.
func (c *completionCommand) Run(context.Context) error {
	_, err := fmt.Print(completion.Script(c.Shell))
	return err
}

// completeWord is how the scripts call the program. It is no command for people.
const completeWord = "__complete"

// complete writes what the last word of a command line may become.
type complete struct{ words []string }

// Run writes the candidates.
func (c *complete) Run(ctx context.Context) error {
	parser, err := newParser()
	if err != nil {
		return err
	}
	line := completion.NewLine(parser.Model.Node, c.words)
	return completion.Write(os.Stdout, line.Candidates(func(line *completion.Line, value *kong.Value) []string {
		return valuesOf(ctx, line, value)
	}))
}

// valuesOf returns values that the parser does not know.
func valuesOf(ctx context.Context, line *completion.Line, value *kong.Value) []string {
	profiled := strings.HasPrefix(line.Command(), "profiles ")
	switch {
	case value.Name == profileFlag, profiled && value.Name == "name":
		return profileNames()
	case value.Name == "project" && (profiled || line.Has(profileFlag)):
		return projectNamesFor(ctx, line)
	case takesFiles(value):
		return []string{completion.Files}
	default:
		return nil
	}
}

func profileNames() []string {
	file, err := newProfileSettings().load()
	if err != nil {
		return nil
	}
	return file.Names()
}

// completeWithin is how long somebody who presses tab waits for a farm.
const completeWithin = 2 * time.Second

// projectNamesFor returns the names of the projects of the farm that a command line is for. Without an answer there are none.
func projectNamesFor(ctx context.Context, line *completion.Line) []string {
	args := []string{"projects", "list"}
	for _, flag := range []string{profileFlag, "url", "api-key-file"} {
		if value := line.Given(flag); value != "" {
			args = append(args, "--"+flag+"="+value)
		}
	}
	parsed, err := parse(args)
	if err != nil {
		return nil
	}
	list, ok := parsed.(*listProjects)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	named, _ := list.farm.ProjectNames(ctx) //nolint:errcheck // see above
	names := make([]string, len(named))
	for i, project := range named {
		names[i] = project.Name
	}
	return names
}
