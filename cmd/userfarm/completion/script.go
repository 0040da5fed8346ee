package completion

import _ "embed" // the scripts

var (
	//go:embed bash.sh
	bash string
	//go:embed zsh.zsh
	zsh string
	//go:embed fish.fish
	fish string
)

// Script returns the script for a shell: bash, zsh or fish.
func Script(shell string) string {
	return map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
}
