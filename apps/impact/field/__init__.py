"""Field evidence: before and after an action, on what happened. Never mixed with replays."""
