// Everything here only improves pages that work without it.
