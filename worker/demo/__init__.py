"""The demonstration: everything at once, in an embedded database."""
