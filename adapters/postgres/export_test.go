package postgres

// MakeHostile is makeHostile, for the tests that use the package from outside.
var MakeHostile = makeHostile
