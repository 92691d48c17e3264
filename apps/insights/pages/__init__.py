"""The pages of insights: the editor, and everything of review."""
