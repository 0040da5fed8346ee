package sealing

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

const (
	keyFileHeader = keyFilePreface + keyFileAdvice

	keyFilePreface = `# userfarm encryption keys, one a line, base64 of 32 bytes. The first seals, all open.
# Without this file the passwords in the database can't be read: back it up, apart from the database.
`
	keyFileAdvice = `# To change the key while the farm serves: userfarm keyring --help
`
	// formerAdvice is in the files that earlier versions made.
	formerAdvice = `# To change the key, add the new one as the second, restart every replica, and only then make it the first.
`
)

// keyList is the text of a key file: one key a line in base64, the sealing key first. Empty lines and lines that begin
// with # are comments.
type keyList []keyLine

type keyLine struct {
	text string // includes the line break, if there is one
	key  []byte // nil for a comment
}

// parseKeyList returns a list of at least one key. Errors name the line, never its text.
func parseKeyList(text string) (keyList, error) {
	var list keyList
	for line := range strings.Lines(text) {
		parsed := keyLine{text: line}
		if entry := strings.TrimSpace(line); entry != "" && !strings.HasPrefix(entry, "#") {
			key, err := base64.StdEncoding.DecodeString(entry)
			if err != nil || len(key) != KeySize {
				return nil, fmt.Errorf("line %d is not the base64 of %d bytes (make one with: openssl rand -base64 %d)",
					len(list)+1, KeySize, KeySize)
			}
			parsed.key = key
		}
		list = append(list, parsed)
	}
	if list.first() < 0 {
		return nil, fmt.Errorf("it has no key (make one with: openssl rand -base64 %d)", KeySize)
	}
	return list, nil
}

func newKeyLine(key []byte) keyLine {
	return keyLine{text: base64.StdEncoding.EncodeToString(key) + "\n", key: key}
}

func (l keyList) keys() [][]byte {
	var keys [][]byte
	for _, line := range l {
		if line.key != nil {
			keys = append(keys, line.key)
		}
	}
	return keys
}

// first returns the index of the first key, or -1.
func (l keyList) first() int { return slices.IndexFunc(l, keyLine.isKey) }

// last returns the index of the last key.
func (l keyList) last() int {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].isKey() {
			return i
		}
	}
	return -1
}

// find returns the index of the key with an id, or -1.
func (l keyList) find(id string) int {
	return slices.IndexFunc(l, func(line keyLine) bool { return line.isKey() && idOf(line.key).String() == id })
}

// begin returns the index of the first line about the key in line i: comments directly above a key are about that key, except
// for the lines of the header.
func (l keyList) begin(i int) int {
	for i > 0 && l[i-1].isRemark() {
		i--
	}
	return i
}

// String returns the text of the file.
func (l keyList) String() string {
	var text strings.Builder
	for i, line := range l {
		text.WriteString(line.text)
		if i < len(l)-1 && !strings.HasSuffix(line.text, "\n") { // it was the last line before the edit
			text.WriteByte('\n')
		}
	}
	return strings.Replace(text.String(), formerAdvice, keyFileAdvice, 1)
}

func (l keyLine) isKey() bool { return l.key != nil }

func (l keyLine) isRemark() bool {
	text := strings.TrimSpace(l.text)
	isHeader := strings.Contains(keyFileHeader+formerAdvice, text+"\n")
	return strings.HasPrefix(text, "#") && !isHeader
}
