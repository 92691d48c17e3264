"""Pages of action items."""
