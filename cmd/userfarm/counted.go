package main

import "strconv"

// counted says for people how many things there are: 1 user, 2 users.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
