"""Fail on files and functions that have grown too large to read: 400 lines, 40 statements."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MAX_LINES = 400
MAX_STATEMENTS = 40
CHECKOUT = Path(__file__).resolve().parents[1]


def too_large(path: Path) -> list[str]:
    """What is too large in one file, in words."""
    text = path.read_text()
    found = [f"{path}: {len(text.splitlines())} lines"] if len(text.splitlines()) > MAX_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)) - 1
            if statements > MAX_STATEMENTS:
                found.append(f"{path}:{node.lineno}: {node.name} has {statements} statements")
    return found


if __name__ == "__main__":
    files = [path for room in ("apps", "config") for path in (CHECKOUT / room).rglob("*.py")]
    problems = [problem for path in files if "migrations" not in path.parts for problem in too_large(path)]
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(bool(problems))
