package userfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// longestLine is more than any user needs.
const longestLine = 1 << 20

func readLines(in *bufio.Reader) rows {
	return func(yield func(Row, error) bool) {
		var text []byte
		first := true
		for line := 1; ; line++ {
			var long bool
			var err error
			text, long, err = nextLine(in, text[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Row{}, err)
				return
			}
			if start := bytes.TrimSpace(text); len(start) > 0 {
				if first && start[0] == '[' {
					yield(Row{}, badFile(line, 1, "", "must have a JSON object on each line, and this is a list: jq -c '.[]' makes lines of a list"))
					return
				}
				first = false
				if !yield(lineRow(text, line, long), nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// nextLine appends the next line to buffer, without what is longer than the longest line. The error may come with the last line.
func nextLine(in *bufio.Reader, buffer []byte) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(buffer)+len(part) > longestLine; !long {
			buffer = append(buffer, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buffer, long, err
		}
	}
}

// lineReader reads the user of a line.
type lineReader struct {
	*Row

	text    []byte
	decoder *jsontext.Decoder
}

func lineRow(text []byte, line int, long bool) Row {
	if long {
		row := newRow(line, 1)
		row.refuse("", "must have at most 1 MiB")
		return *row
	}
	r := lineReader{Row: newRow(line, 1), text: text, decoder: jsontext.NewDecoder(bytes.NewReader(text))}
	if r.decoder.PeekKind() != jsontext.KindBeginObject {
		r.refuse("", "must be a JSON object in one line")
		return *r.Row
	}
	err := r.object(r.member)
	if err == nil {
		if _, after := r.decoder.ReadToken(); !errors.Is(after, io.EOF) {
			r.refuse("", "must be one JSON object, and nothing after it")
		}
		return *r.Row
	}
	bad := newRow(line, int(r.decoder.InputOffset())+1)
	rule := "must be JSON, and goes wrong here"
	if errors.Is(err, jsontext.ErrDuplicateName) {
		rule = "must not have a member twice"
	}
	bad.refuse("", "%s", rule) // the error of the decoder may quote a password
	return *bad
}

// object reads an object, whose members it leaves to a function.
func (r *lineReader) object(member func(name string) error) error {
	if _, err := r.decoder.ReadToken(); err != nil {
		return err
	}
	for r.decoder.PeekKind() != jsontext.KindEndObject {
		name, err := r.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := r.decoder.ReadToken()
	return err
}

// here returns the place of the next value.
func (r *lineReader) here(name string) Place {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t:", r.text[at]) >= 0 {
		at++
	}
	return Place{Line: r.Line, Column: at + 1, Name: name}
}

func (r *lineReader) member(name string) error {
	place := r.here(name)
	field, known := fieldOf(name)
	isLabels := strings.EqualFold(name, labelsName)
	if !known && !isLabels {
		r.put("/"+escapePointer.Replace(name), place)
		r.refuse("/"+escapePointer.Replace(name), "is not known; members are %s", knownNames())
		return r.decoder.SkipValue()
	}
	if isLabels {
		field = labelsName
	}
	r.put("/"+field, place)
	switch kind := r.decoder.PeekKind(); {
	case kind == jsontext.KindNull:
		return r.decoder.SkipValue() // as people mean it: nothing is said
	case isLabels && kind == jsontext.KindBeginObject:
		r.emptyLabels()
		return r.object(r.label)
	case isLabels:
		r.refuse("/labels", "must be an object of texts")
		return r.decoder.SkipValue()
	case kind != jsontext.KindString:
		r.refuse("/"+field, "must be a text, in quotes")
		return r.decoder.SkipValue()
	}
	text, err := r.decoder.ReadToken()
	if err == nil {
		r.set(field, text.String())
	}
	return err
}

func (r *lineReader) label(key string) error {
	pointer := "/labels/" + escapePointer.Replace(key)
	r.put(pointer, r.here(labelPrefix+key))
	if r.decoder.PeekKind() != jsontext.KindString {
		r.refuse(pointer, "must be a text, in quotes")
		return r.decoder.SkipValue()
	}
	value, err := r.decoder.ReadToken()
	if err == nil {
		r.setLabel(key, value.String())
	}
	return err
}
