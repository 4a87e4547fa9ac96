"""The rule writers' expression language: what it admits, and its vectorised evaluation.

A rule reads like `is_new_country_30d and amount_base_minor >= 100000`. The text is parsed into Python's
syntax tree, every node is checked against a list of admitted ones and against the type it must have, and the
tree becomes a function over numpy columns. Nothing is ever executed as code: no calls, no attributes, no
subscripts. One function serves one row and ten thousand, so the API and the stream cannot disagree.

A formula is the same language where a number is wanted, with three functions more: min, max and where(flag, a, b).

Types: number (float64), text (str), flag (0/1). Names that begin with `is_` are flags. x / 0 is 0.
"""

from __future__ import annotations

import ast
import difflib
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import InvalidPolicy

MAX_CHARS: Final = 500
MAX_DEPTH: Final = 12
MAX_NODES: Final = 120
MAX_CHOICES: Final = 64
MAX_CONSTANT: Final = 1e15


@dataclass(frozen=True, slots=True)
class Coded:
    """n texts of which many are alike: row i is values[codes[i]]. What is asked of a text is asked once for each value."""

    values: Sequence[str | None]
    codes: npt.NDArray[np.integer[Any]]

    def where(self, holds: Callable[[str | None], bool]) -> npt.NDArray[np.bool_]:
        """bool[n] of a question about the text."""
        found: npt.NDArray[np.bool_] = np.array([holds(value) for value in self.values], np.bool_)[self.codes]
        return found

    def decoded(self) -> npt.NDArray[Any]:
        """The texts themselves, as an array of objects."""
        values = np.empty(len(self.values), object)
        values[:] = self.values
        return np.asarray(values[self.codes])


# A column is float64[n], bool[n], or n texts; a constant stays a Python scalar and broadcasts.
Column = npt.NDArray[Any] | Coded
Columns = Mapping[str, Column]
_Evaluate = Callable[[Columns], Any]


class Kind(Enum):
    """What a part of an expression stands for."""

    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "a yes or no"


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked rule condition. `names` are the columns it reads."""

    text: str
    names: frozenset[str]
    _evaluate: _Evaluate

    def __call__(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """bool[n] for columns of n rows, each of the kind the vocabulary gave its name."""
        return np.asarray(self._evaluate(columns), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Formula:
    """A checked number. `names` are the columns it reads."""

    text: str
    names: frozenset[str]
    _evaluate: _Evaluate

    def __call__(self, columns: Columns) -> npt.NDArray[np.float64]:
        """float64[n] for columns of n rows, as `Expression`; a flag becomes 0 or 1."""
        return np.asarray(self._evaluate(columns), dtype=np.float64)


def compile_expression(text: str, vocabulary: Mapping[str, Kind], where: str) -> Expression:
    """Check `text` against the language and the vocabulary.

    Raises InvalidPolicy naming `where` and what is wrong; an unknown name comes with the closest known ones.
    """
    compiler = _Compiler(vocabulary, where)
    kind, evaluate = compiler.compile(text)
    if kind is not Kind.FLAG:
        raise InvalidPolicy(where, f"is {kind.value}; a condition must be {Kind.FLAG.value}")
    return Expression(text, frozenset(compiler.names), evaluate)


def compile_formula(text: str, vocabulary: Mapping[str, Kind], where: str) -> Formula:
    """As `compile_expression`, for a number or a flag, with functions."""
    compiler = _Compiler(vocabulary, where, has_functions=True)
    kind, evaluate = compiler.compile(text)
    if kind is Kind.TEXT:
        raise InvalidPolicy(where, f"is {kind.value}; a formula must be {Kind.NUMBER.value} or {Kind.FLAG.value}")
    return Formula(text, frozenset(compiler.names), evaluate)


def kind_of_feature(name: str) -> Kind:
    """Features named like a claim are flags, every other one is a number."""
    return Kind.FLAG if name.startswith("is_") else Kind.NUMBER


_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}
_ORDER: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_EQUALITY: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_CONTAINMENT: Final = (ast.In, ast.NotIn)
_EXTREMES: Final[dict[str, Callable[[Any, Any], Any]]] = {"min": np.minimum, "max": np.maximum}


def _divide(left: Any, right: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.divide(left, right)
    return np.where(np.equal(right, 0.0), 0.0, quotient)


class _Compiler:
    """Turns one syntax tree into a function, collecting the names it reads."""

    def __init__(self, vocabulary: Mapping[str, Kind], where: str, *, has_functions: bool = False) -> None:
        self.vocabulary, self.where, self.has_functions = vocabulary, where, has_functions
        self.names: set[str] = set()

    def compile(self, text: str) -> tuple[Kind, _Evaluate]:
        if len(text) > MAX_CHARS:
            raise self.refuse(f"is {len(text)} characters long, {MAX_CHARS} is the limit")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise self.refuse(f"is not an expression: {error.__class__.__name__}") from error
        self.measure(tree)
        kind, evaluate = self.build(tree)
        if not self.names:
            raise self.refuse("reads no column, so it would always give the same answer")
        return kind, evaluate

    def refuse(self, reason: str) -> InvalidPolicy:
        return InvalidPolicy(self.where, reason)

    def measure(self, root: ast.expr) -> None:
        """Refuse a tree that is too deep or too large, before anything recurses into it."""
        level: list[ast.AST] = [root]
        depth = nodes = 0
        while level:
            depth, nodes = depth + 1, nodes + len(level)
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                raise self.refuse(f"is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} parts")
            level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]

    def build(self, node: ast.expr) -> tuple[Kind, _Evaluate]:
        match node:
            case ast.Name(id=name):
                return self.column(name)
            case ast.Constant(value=value):
                return self.constant(value)
            case ast.BoolOp(op=op, values=values):
                return self.junction(op, values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.expect(operand, Kind.FLAG, "not")
                return Kind.FLAG, lambda c: np.logical_not(inner(c))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.expect(operand, Kind.NUMBER, "-")
                return Kind.NUMBER, lambda c: np.negative(inner(c))
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(left, op, right)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return self.comparison(left, ops, rights)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if self.has_functions:
                return Kind.NUMBER, self.call(name, args)
        raise self.refuse(f"uses {type(node).__name__}, which the language does not have")

    def column(self, name: str) -> tuple[Kind, _Evaluate]:
        kind = self.vocabulary.get(name)
        if kind is None:
            close = difflib.get_close_matches(name, self.vocabulary, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise self.refuse(f"does not know {name!r}{hint}")
        self.names.add(name)
        return kind, operator.itemgetter(name)

    def constant(self, value: object) -> tuple[Kind, _Evaluate]:
        if isinstance(value, bool):
            return Kind.FLAG, lambda _: value
        if isinstance(value, int | float):
            if not abs(value) <= MAX_CONSTANT:
                raise self.refuse(f"has a number beyond {MAX_CONSTANT:g}")
            number = float(value)
            return Kind.NUMBER, lambda _: number
        if isinstance(value, str) and value:
            return Kind.TEXT, lambda _: value
        raise self.refuse(f"has the constant {value!r}, which the language does not have")

    def expect(self, node: ast.expr, kind: Kind, operation: str) -> _Evaluate:
        found, evaluate = self.build(node)
        if found is not kind:
            raise self.refuse(f"{operation!r} needs {kind.value}, but {ast.unparse(node)!r} is {found.value}")
        return evaluate

    def junction(self, op: ast.boolop, values: list[ast.expr]) -> tuple[Kind, _Evaluate]:
        if isinstance(op, ast.And):
            return Kind.FLAG, _all_of([self.expect(value, Kind.FLAG, "and") for value in values])
        return Kind.FLAG, _any_of([self.expect(value, Kind.FLAG, "or") for value in values])

    def arithmetic(self, left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[Kind, _Evaluate]:
        combine = _divide if isinstance(op, ast.Div) else _ARITHMETIC.get(type(op))
        if combine is None:
            raise self.refuse(f"uses {type(op).__name__}; arithmetic has + - * /")
        first, second = self.expect(left, Kind.NUMBER, "arithmetic"), self.expect(right, Kind.NUMBER, "arithmetic")
        return Kind.NUMBER, lambda c: combine(first(c), second(c))

    def call(self, name: str, args: list[ast.expr]) -> _Evaluate:
        if name == "where" and len(args) == 3:
            flag = self.expect(args[0], Kind.FLAG, name)
            first, second = (self.expect(arg, Kind.NUMBER, name) for arg in args[1:])
            return lambda c: np.where(flag(c), first(c), second(c))
        if name not in _EXTREMES or len(args) < 2:
            raise self.refuse(
                f"calls {name!r} with {len(args)} parts; there are min(a, b), max(a, b), where(flag, a, b)"
            )
        parts = [self.expect(arg, Kind.NUMBER, name) for arg in args]
        return lambda c: functools.reduce(_EXTREMES[name], (part(c) for part in parts))

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr]) -> tuple[Kind, _Evaluate]:
        links: list[_Evaluate] = []
        for op, right in zip(ops, rights, strict=True):
            links.append(
                self.membership(left, op, right) if isinstance(op, _CONTAINMENT) else self.pair(left, op, right)
            )
            left = right
        return Kind.FLAG, _all_of(links)

    def pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Evaluate:
        (kind, first), (other, second) = self.build(left), self.build(right)
        if kind is not other:
            raise self.refuse(f"compares {kind.value} ({ast.unparse(left)}) with {other.value} ({ast.unparse(right)})")
        compare = _EQUALITY.get(type(op)) or (_ORDER.get(type(op)) if kind is Kind.NUMBER else None)
        if compare is None:
            raise self.refuse(f"cannot compare {kind.value} with {type(op).__name__}")
        if kind is Kind.TEXT:
            negated = isinstance(op, ast.NotEq)
            return lambda c: _text_equal(first(c), second(c), negated)
        return lambda c: compare(first(c), second(c))

    def membership(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Evaluate:
        kind, item = self.build(left)
        if not isinstance(right, ast.Tuple | ast.List) or not 1 <= len(right.elts) <= MAX_CHOICES:
            raise self.refuse(f"'in' needs a list of 1 to {MAX_CHOICES} constants")
        choices = [self.choice(element, kind) for element in right.elts]
        negated = isinstance(op, ast.NotIn)
        if kind is Kind.NUMBER:
            return lambda c: np.isin(item(c), choices, invert=negated)
        if kind is not Kind.TEXT or not isinstance(left, ast.Name):
            raise self.refuse("'in' needs a number or the name of a text on its left")
        chosen = frozenset(choices)
        return lambda c: _text_in(item(c), chosen, negated)

    def choice(self, node: ast.expr, kind: Kind) -> Any:
        is_negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) and is_negative else node
        if not isinstance(inner, ast.Constant):
            raise self.refuse("'in' takes constants only")
        found, evaluate = self.constant(inner.value)
        if found is not kind or (is_negative and kind is not Kind.NUMBER):
            raise self.refuse(f"'in' compares {kind.value} with {ast.unparse(node)}")
        value = evaluate({})
        return -value if is_negative else value


def _all_of(parts: Sequence[_Evaluate]) -> _Evaluate:
    """Where every part holds; what follows a part that left no row is not asked."""
    if len(parts) == 1:
        return parts[0]

    def evaluate(columns: Columns) -> Any:
        found = parts[0](columns)
        for part in parts[1:]:
            if isinstance(found, np.ndarray) and not found.any():
                break
            found = np.logical_and(found, part(columns))
        return found

    return evaluate


def _any_of(parts: Sequence[_Evaluate]) -> _Evaluate:
    def evaluate(columns: Columns) -> Any:
        found = parts[0](columns)
        for part in parts[1:]:
            found = np.logical_or(found, part(columns))
        return found

    return evaluate


def _text_in(column: Column, chosen: frozenset[str], negated: bool) -> npt.NDArray[np.bool_]:
    if isinstance(column, Coded):
        return column.where(lambda value: (value in chosen) is not negated)
    return np.fromiter(((value in chosen) is not negated for value in column.tolist()), np.bool_, len(column))


def _text_equal(left: Column | str, right: Column | str, negated: bool) -> Any:
    if isinstance(left, str):
        left, right = right, left
    if isinstance(left, Coded) and isinstance(right, str):
        return left.where(lambda value: (value == right) is not negated)
    first = left.decoded() if isinstance(left, Coded) else left
    second = right.decoded() if isinstance(right, Coded) else right
    return first != second if negated else first == second
