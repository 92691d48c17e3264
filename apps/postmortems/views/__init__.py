"""Pages of postmortems: reading them, and writing drafts."""
