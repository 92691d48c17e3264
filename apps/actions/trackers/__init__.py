"""Issue trackers of others: what is asked of them, and what they tell. Plain modules, no use cases."""
