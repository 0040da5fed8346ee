package main

import (
	"os"

	"golang.org/x/term"
)

// widthOf returns how many columns a terminal has; 0 if the file is not a terminal.
func widthOf(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd())) //nolint:gosec // descriptors are small
	if err != nil {
		return 0
	}
	return width
}
