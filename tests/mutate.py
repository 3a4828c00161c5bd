"""Break the engine in small ways, one at a time, and see whether its tests notice.

    python tests/mutate.py _losses            all mutants of a module
    python tests/mutate.py _losses 12 40      those of these numbers

Each mutant is one change: another operator, comparison, constant, condition or argument, or a
statement left out. It is killed if a test fails, or if the tests do not end. Survivors are
printed with their line; docs/reliability.md explains them. It needs a system that forks.
"""

import ast
import importlib.machinery
import os
import signal
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {
    "_layers": ["test_layers.py", "test_network.py"],
    "_losses": ["test_losses.py", "test_network.py"],
    "_optimizers": ["test_optimizers.py", "test_solver.py"],
}
SECONDS = 300

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class Mutation(ast.NodeTransformer):
    """Make the change of one number; with none, count what could be changed."""

    def __init__(self, chosen=None):
        self.chosen, self.n, self.what = chosen, 0, ""

    def _is_next(self, node, what):
        self.n += 1
        if self.n - 1 != self.chosen:
            return False
        self.what = f"line {node.lineno}: {what}: {ast.unparse(node)}"
        return True

    def visit_FunctionDef(self, node):
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.body = self._statements(node.body)
        return node

    def visit_ClassDef(self, node):
        node.body = self._statements(node.body)
        return node

    def visit_Module(self, node):
        node.body = self._statements(node.body)
        return node

    def visit_AnnAssign(self, node):
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def _statements(self, body):
        return [self.visit(statement) for statement in body]

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant):
            return node  # a docstring
        if self._is_next(node, "left out"):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_AugAssign(self, node):
        if self._is_next(node, "left out"):
            return ast.copy_location(ast.Pass(), node)
        return self._swapped(node)

    def visit_BinOp(self, node):
        return self._swapped(node)

    def visit_BoolOp(self, node):
        return self._swapped(node)

    def _swapped(self, node):
        other = OPERATORS.get(type(node.op))
        if other and self._is_next(node, f"{type(node.op).__name__} to {other.__name__}"):
            node.op = other()
            return node
        return self.generic_visit(node)

    def visit_Compare(self, node):
        other = OPERATORS[type(node.ops[0])]
        if self._is_next(node, f"{type(node.ops[0]).__name__} to {other.__name__}"):
            node.ops[0] = other()
            return node
        return self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if self._is_next(node, "operator left out"):
            return node.operand
        return self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, bool):
            changed = not node.value
        elif isinstance(node.value, int | float):
            changed = node.value + 1
        else:
            return node
        if self._is_next(node, f"to {changed}"):
            return ast.copy_location(ast.Constant(changed), node)
        return node

    def visit_If(self, node):
        return self._negated(node)

    def visit_IfExp(self, node):
        return self._negated(node)

    def _negated(self, node):
        if self._is_next(node.test, "negated"):
            node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
            return node
        return self.generic_visit(node)

    def visit_Call(self, node):
        for i, keyword in enumerate(node.keywords):
            if self._is_next(node, f"without {keyword.arg}"):
                del node.keywords[i]
                return node
        return self.generic_visit(node)

    def visit_Return(self, node):
        if node.value is not None and self._is_next(node, "to None"):
            node.value = ast.copy_location(ast.Constant(None), node.value)
            return node
        return self.generic_visit(node)


def mutant(module, number):
    """Return the tree with the change of that number, and what it is."""
    tree = ast.parse((ROOT / "skmlp" / f"{module}.py").read_text(encoding="utf-8"))
    mutation = Mutation(number)
    tree = ast.fix_missing_locations(mutation.visit(tree))
    return tree, mutation


def outcome(module, number):
    """Run the tests against a mutant in a process of its own."""
    tree, mutation = mutant(module, number)
    child = os.fork()
    if not child:
        signal.alarm(SECONDS)
        os._exit(run_tests(module, tree))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed (does not end)", mutation.what
    return "survived" if os.WEXITSTATUS(status) == 0 else "killed", mutation.what


def run_tests(module, tree):
    """Import the package with the mutant in it; return pytest's verdict."""
    import pytest

    load = importlib.machinery.SourceFileLoader.get_code

    def get_code(self, name):
        return compile(tree, self.path, "exec") if name == f"skmlp.{module}" else load(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    sys.path.insert(0, str(ROOT))
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    for name in TESTS[module]:  # the file of the module first, which tells most of them
        verdict = pytest.main([str(ROOT / "tests" / name), "-x", "-q", "-p", "no:cacheprovider"])
        if verdict:
            return int(verdict)
    return 0


def preload():
    """Import once what all the tests import, so that each mutant starts in no time."""
    names = "hypothesis", "pandas", "pytest", "sklearn.datasets", "sklearn.neural_network", "torch"
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"without {name}")


def main(module, first=0, last=None):
    _, counted = mutant(module, None)
    numbers = range(int(first), counted.n if last is None else int(last))
    outcomes = Counter()
    preload()
    for number in numbers:
        verdict, what = outcome(module, number)
        outcomes[verdict] += 1
        if verdict == "survived":
            print(f"{number}: {what}", flush=True)
    print(f"{module}: {counted.n} mutants; of {len(numbers)}: {dict(outcomes)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
