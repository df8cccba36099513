"""Symbolic expressions against PyPI's SymPy: the text that is printed for an expression, read by SymPy, must have the value of the tree it
was made from, computed by Python, at every point tried.

usage: python expr_sympy.py TEST_EXPR_RANDOM [COUNT]     the unit test program, which prints trees and texts with --dump
"""
import random
import re
import subprocess
import sys

import sympy

POINTS = 12
# Name and bounds of s0, s1 ..., as in tests/unit/test_expr_random.c.
SYMBOLS = [("N", 0, 60), ("M", 1, 60), ("K", 1, 64), ("a.b", -7, 7), ("w_0", 3, 9), ('"batch size"', 0, 5), ("x", -20, -1),
           ("z", -30, 0), ("any", -60, 60)]
NAMES = {name: f"s{index}" for index, (name, _, _) in enumerate(SYMBOLS)}
TOKEN = re.compile(r'"[^"]*"|[A-Za-z_][\w.]*')
FUNCTIONS = {"floor": "floor", "min": "Min", "max": "Max"}


def ceil_div(a, b):
    return -(-a // b)


def trunc_div(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400
    lines = subprocess.run([program, "--dump", str(count)], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == count, f"{len(lines)} lines for {count} expressions"
    symbols = {f"s{i}": sympy.Symbol(f"s{i}", integer=True) for i in range(len(SYMBOLS))}
    scope = symbols | {"floor": sympy.floor, "Min": sympy.Min, "Max": sympy.Max}
    rng = random.Random(20)
    bad = compared = 0
    for line in lines:
        tree, text = line.split("\t")
        renamed = TOKEN.sub(lambda match: (FUNCTIONS | NAMES)[match.group()], text)
        # Numbers become SymPy's before they are divided, or Python would make floats of them.
        exact = re.sub(r"(?<![\w.])\d+", lambda match: f"Integer({match.group()})", renamed)
        expression = eval(exact, {"__builtins__": {}, "Integer": sympy.Integer}, scope)
        code = compile(tree, "tree", "eval")
        for _ in range(POINTS):
            point = {f"s{i}": rng.randint(low, high) for i, (_, low, high) in enumerate(SYMBOLS)}
            try:
                expected = eval(code, {"ceil_div": ceil_div, "trunc_div": trunc_div, "min": min, "max": max}, point)
            except ZeroDivisionError:
                continue
            got = sympy.sympify(expression).xreplace({symbols[name]: sympy.Integer(value) for name, value in point.items()})
            compared += 1
            if got != expected:
                bad += 1
                print(f"{tree}\n  printed {text}\n  at {point}\n  SymPy {got}, Python {expected}")
    print(f"{count} expressions, {compared} values compared, {bad} differ")
    return bad != 0 or compared < count * POINTS // 2


if __name__ == "__main__":
    sys.exit(main())
