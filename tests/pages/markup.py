"""HTML as tests need it: a small tree, the forms in it, and what is wrong with a page by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input"),
        *("link", "meta", "param", "source", "track", "wbr"),
    }
)
CONTROLS = frozenset({"input", "select", "textarea"})
UNLABELLED = frozenset({"hidden", "submit", "button", "image", "reset"})


@dataclass(eq=False)
class Node:
    """An element; text lies between its children."""

    tag: str
    attrs: dict[str, str]
    parent: Node | None = None
    parts: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """This element and all inside, in order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += [part for part in reversed(node.parts) if isinstance(part, Node)]

    def all(self, *tags: str) -> list[Node]:
        return [node for node in self.walk() if node.tag in tags]

    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text() for part in self.parts)

    def above(self) -> Iterator[Node]:
        """Its ancestors, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("#root", {})
        self.open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.parts.append(node)
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.parts.append(Node(tag, {name: value or "" for name, value in attrs}, self.open))

    def handle_endtag(self, tag: str) -> None:
        node: Node | None = self.open
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self.open = node.parent

    def handle_data(self, data: str) -> None:
        self.open.parts.append(data)


def tree(html: str) -> Node:
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


@dataclass(eq=False)
class Control:
    """Everything of a form that has one name: one input, or all boxes or buttons of a group."""

    name: str
    kind: str  # text, email, number, date, textarea, select, radio, checkbox, hidden, button …
    nodes: list[Node]
    choices: list[str] = field(default_factory=list)
    value: list[str] = field(default_factory=list)
    multiple: bool = False

    @property
    def limit(self) -> int | None:
        text = self.nodes[0].attrs.get("maxlength", "")
        return int(text) if text.isdigit() else None

    @property
    def required(self) -> bool:
        return "required" in self.nodes[0].attrs


@dataclass(eq=False)
class Form:
    action: str
    method: str
    controls: dict[str, Control]
    node: Node

    def values(self) -> dict[str, list[str]]:
        """What a browser would send, the first button pressed."""
        sent: dict[str, list[str]] = {}
        pressed = False
        for control in self.controls.values():
            if control.kind == "button":
                if not pressed:
                    sent[control.name] = control.value[:1]
                pressed = True
            elif control.value:
                sent[control.name] = list(control.value)
        return sent


def forms(root: Node, here: str) -> list[Form]:
    """The forms of a page; `here` is its own address."""
    found = []
    for node in root.all("form"):
        method = node.attrs.get("method", "get").lower()
        if method == "dialog":
            continue
        mine = [n for n in node.walk() if n.tag in {*CONTROLS, "button"} and not _asleep(n)]
        if key := node.attrs.get("id"):
            mine += [n for n in root.all(*CONTROLS, "button") if n.attrs.get("form") == key and n not in mine]
        controls: dict[str, Control] = {}
        for control in mine:
            _add(controls, control)
        action = node.attrs.get("action") or here
        found.append(Form(action, method, controls, node))
        others = [one.attrs["formaction"] for one in mine if "formaction" in one.attrs]
        found += [Form(other, method, controls, node) for other in others]
    return found


def _asleep(node: Node) -> bool:
    """Whether it lies in a template, which a script copies."""
    return any(parent.tag == "template" for parent in node.above())


def _add(controls: dict[str, Control], node: Node) -> None:
    name = node.attrs.get("name", "")
    if not name or "disabled" in node.attrs:
        return
    kind = node.attrs.get("type", "text").lower() if node.tag == "input" else node.tag
    if kind in {"submit", "image", "button"}:
        kind = "button"
    known = controls.setdefault(name, Control(name, kind, []))
    known.nodes.append(node)
    match kind:
        case "select":
            options = node.all("option")
            known.multiple = "multiple" in node.attrs
            known.choices += [_value(option) for option in options]
            chosen = [_value(option) for option in options if "selected" in option.attrs]
            known.value += chosen or ([] if known.multiple or not options else [_value(options[0])])
        case "radio" | "checkbox":
            value = node.attrs.get("value", "on")
            known.choices.append(value)
            known.multiple = kind == "checkbox"
            if "checked" in node.attrs:
                known.value.append(value)
        case "textarea":
            known.value.append(node.text().removeprefix("\n"))
        case _:
            known.value.append(node.attrs.get("value", ""))


def _value(option: Node) -> str:
    return option.attrs["value"] if "value" in option.attrs else option.text().strip()


def faults(root: Node, *, whole: bool = True) -> list[str]:
    """What no page may have: see each line."""
    found = []
    ids = [node.attrs["id"] for node in root.walk() if node.attrs.get("id")]
    found += [f"the id {name} stands twice" for name in sorted({i for i in ids if ids.count(i) > 1})]
    labels = {node.attrs["for"] for node in root.all("label") if "for" in node.attrs}
    known = set(ids)
    for node in root.walk():
        found += _inline(node)
        found += [f"{node.tag} refers to the id {one}, which is not there" for one in _dangling(node, known)]
        if node.tag in CONTROLS and not _labelled(node, labels):
            found.append(f"no label: {node.tag} {node.attrs.get('name')}")
        if node.tag == "label" and node.attrs.get("for", next(iter(known), "")) not in known:
            found.append(f"a label for nothing: {node.attrs['for']}")
    if whole:
        found += _frame(root)
    return found


def _inline(node: Node) -> list[str]:
    found = [
        f"inline {name} on {node.tag}" for name in node.attrs if name == "style" or name.startswith("on")
    ]
    if node.tag == "style":
        found.append("an inline style sheet")
    if node.tag == "script" and "src" not in node.attrs and "json" not in node.attrs.get("type", ""):
        found.append("an inline script")
    if node.attrs.get("href", "").lower().startswith("javascript:"):
        found.append("a javascript: address")
    return found


def _dangling(node: Node, known: set[str]) -> list[str]:
    names = [node.attrs.get(name, "") for name in ("aria-describedby", "aria-labelledby", "popovertarget")]
    return [one for text in names for one in text.split() if one not in known]


def _labelled(node: Node, labels: set[str]) -> bool:
    return (
        node.attrs.get("type", "").lower() in UNLABELLED
        or node.attrs.get("id") in labels
        or bool(node.attrs.get("aria-label") or node.attrs.get("aria-labelledby"))
        or any(parent.tag == "label" for parent in node.above())
    )


def _frame(root: Node) -> list[str]:
    found = []
    heads = root.all("h1")
    if len(heads) != 1 or not heads[0].text().strip():
        found.append(f"{len(heads)} h1")
    if not any(node.attrs.get("lang") for node in root.all("html")):
        found.append("html without lang")
    if not any(node.text().strip() for node in root.all("title")):
        found.append("no title")
    if len(root.all("main")) != 1:
        found.append("not exactly one main")
    return found
