package app

// pageSize is how many entries a list has if its caller asks for no number.
const pageSize = 100

// limitOf returns how many entries of a list to return.
func limitOf(asked int) int {
	if asked < 1 {
		return pageSize
	}
	return asked
}
