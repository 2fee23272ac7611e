# SPDX-License-Identifier: BSD-3-Clause
"""From text to the lines of tokens that an assembler reads.

Before instructions are looked at, parameters are filled in, ``.if`` chooses and
``.repeat`` copies. Tokens keep their line and column, so that errors point at the
text that a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lava_sparse_rnn.microcode._errors import AssemblyError, Position

Value = int | str
Line = list["Token"]

_TOKEN = re.compile(
    r"(?P<space>\s+|;.*)"
    r"|(?P<mark>[,:])"
    r"|(?P<directive>\.[a-z_]+)"
    r"|(?P<number>[-+]?(?:0x[0-9a-fA-F]+|\d+)(?![A-Za-z0-9_{]))"
    r"|(?P<name>[A-Za-z_{][A-Za-z0-9_{}]*)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COUNTER = re.compile(r"\{(\w*)\}")
MAX_REPEAT = 256


@dataclass(frozen=True)
class Token:
    """A word of the text and where it stands.

    Parameters
    ----------
    kind : {"mark", "directive", "number", "name"}
    text : str
    position : Position
    """

    kind: str
    text: str
    position: Position

    @property
    def value(self) -> Value:
        """A number's value, or the text."""
        return int(self.text, 0) if self.kind == "number" else self.text

    def error(self, message: str) -> AssemblyError:
        """An error at this place."""
        return AssemblyError(message, self.position)


def tokenize(text: str) -> Iterator[Line]:
    """The tokens of each line that has any."""
    for number, content in enumerate(text.splitlines(), start=1):
        line, at = [], 0
        while at < len(content):
            match = _TOKEN.match(content, at)
            position = Position(number, at + 1)
            if match is None:
                text = f"{content[at:].split()[0]!r} is no name, number or directive"
                raise AssemblyError(text, position)
            kind = str(match.lastgroup)
            if kind != "space":
                line.append(Token(kind, match.group(), position))
            at = match.end()
        if line:
            yield line


@dataclass
class _Part:
    """``.if`` or ``.repeat`` with what stands inside; the whole text has no head."""

    head: Line = field(default_factory=list)
    body: list[Line | _Part] = field(default_factory=list)
    other: list[Line | _Part] | None = None


def expand(text: str, parameters: Mapping[str, Value]) -> list[Line]:
    """The lines of a text with parameters filled in.

    Parameters
    ----------
    text : str
    parameters : mapping from str to int or str
        Values for names that the text declares with ``.param``; the defaults stand
        there.

    Raises
    ------
    AssemblyError
    """
    expander = _Expander(parameters)
    lines = list(expander.lines(_nest(text).body, {}))
    if unknown := sorted(set(parameters) - set(expander.values)):
        known = ", ".join(sorted(expander.values)) or "none"
        raise AssemblyError(f"there is no .param {unknown[0]!r}; there are: {known}")
    return lines


def _nest(text: str) -> _Part:
    """Put what ``.if`` and ``.repeat`` enclose inside them."""
    root = _Part()
    stack = [root]
    for line in tokenize(text):
        part, first = stack[-1], line[0]
        inside = part.body if part.other is None else part.other
        if first.text in (".if", ".repeat"):
            stack.append(_Part(line))
            inside.append(stack[-1])
        elif first.text == ".else":
            if not part.head or part.head[0].text != ".if" or part.other is not None:
                raise first.error(".else without an .if")
            part.other = []
        elif first.text == ".end":
            if len(stack) == 1:
                raise first.error(".end without an .if or .repeat")
            stack.pop()
        else:
            inside.append(line)
    if len(stack) > 1:
        first = stack[-1].head[0]
        raise first.error(f"{first.text} has no .end")
    return root


class _Expander:
    def __init__(self, given: Mapping[str, Value]) -> None:
        self.given = given
        self.values: dict[str, Value] = {}

    def lines(self, parts: list, counters: Mapping[str, int]) -> Iterator[Line]:
        for part in parts:
            if isinstance(part, _Part):
                yield from DIRECTIVES[part.head[0].text](self, part, counters)
            elif part[0].text == ".param":
                self._declare(part)
            else:
                yield [self._fill(token, counters) for token in part]

    def _declare(self, line: Line) -> None:
        """``.param NAME DEFAULT``."""
        words = _words(line, ".param NAME DEFAULT", 3)
        name = words[1]
        if name.kind != "name" or name.text in self.values:
            raise name.error(f"{name.text!r} is no new name for a parameter")
        self.values[name.text] = self.given.get(name.text, words[2].value)

    def choose(self, part: _Part, counters: Mapping[str, int]) -> Iterator[Line]:
        """``.if NAME VALUE``: the lines that apply."""
        _, name, value = _words(part.head, ".if NAME VALUE", 3)
        chosen = part.body if self._value(name) == value.value else part.other or []
        yield from self.lines(chosen, counters)

    def repeat(self, part: _Part, counters: Mapping[str, int]) -> Iterator[Line]:
        """``.repeat COUNT NAME``: the lines once for each NAME from 0."""
        _, count, name = _words(part.head, ".repeat COUNT NAME", 3)
        times = count.value if count.kind == "number" else self._value(count)
        if not isinstance(times, int) or not 0 <= times <= MAX_REPEAT:
            raise count.error(f".repeat count is {times}, must be 0 to {MAX_REPEAT}")
        for i in range(times):
            yield from self.lines(part.body, {**counters, name.text: i})

    def _value(self, name: Token) -> Value:
        if name.text not in self.values:
            raise name.error(f"there is no .param {name.text!r} above")
        return self.values[name.text]

    def _fill(self, token: Token, counters: Mapping[str, int]) -> Token:
        if token.kind != "name":
            return token
        text = token.text
        for found in _COUNTER.findall(text):
            if found not in counters:
                raise token.error(f"no .repeat around this counts {found!r}")
            text = text.replace("{" + found + "}", str(counters[found]))
        text = str(self.values.get(text, text))
        if re.fullmatch(r"-?\d+", text):
            return Token("number", text, token.position)
        if not _NAME.fullmatch(text):
            raise token.error(f"{text!r} is no name")
        return Token("name", text, token.position)


def _words(line: Line, form: str, count: int) -> Line:
    if len(line) != count:
        text = f"{line[0].text} has {len(line) - 1} words after it, must be: {form}"
        raise line[0].error(text)
    return line


DIRECTIVES = {".if": _Expander.choose, ".repeat": _Expander.repeat}
