"""One file per verb, each with a `command`; those of the same names beside `hosts/cli/verbs` work on a store here."""
