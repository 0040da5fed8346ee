package main

import (
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// exactText lets texts of the command line, and of environment variables for flags, reach a command as they are. Kong itself passes
// them through JSON, which replaces bytes that are not UTF-8. Names of files, and the words of the command of userfarm run, may have
// such bytes. Everything else goes to a farm or into JSON, and is refused then.
func exactText() []kong.Option {
	return []kong.Option{
		kong.KindMapper(reflect.String, kong.MapperFunc(decodeExactly)),
		kong.PostBuild(func(parser *kong.Kong) error {
			return kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
				if value, ok := node.(*kong.Value); ok && !value.IsBool() && !takesFiles(value) {
					value.Mapper = utf8Mapper{value.Mapper}
				}
				return next(nil)
			})
		}),
	}
}

// takesFiles reports whether a flag or an argument is the name of a file, or the words of a command.
func takesFiles(value *kong.Value) bool {
	if value.Flag != nil {
		return value.Flag.PlaceHolder == "FILE"
	}
	return value.Name == "command" || value.Name == "file"
}

func decodeExactly(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err == nil {
		target.SetString(fmt.Sprint(token.Value))
	}
	return err
}

// utf8Mapper is a mapper for texts in UTF-8.
type utf8Mapper struct{ kong.Mapper }

// Decode implements [kong.Mapper].
func (m utf8Mapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if text, ok := ctx.Scan.Peek().Value.(string); ok && !utf8.ValidString(text) {
		return errors.New("must be valid UTF-8")
	}
	return m.Mapper.Decode(ctx, target)
}
