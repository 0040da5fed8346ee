"""What the package promises to those who install it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest_userfarm

OLDEST = (3, 9)


def test_the_sources_are_python_3_9() -> None:
    sources = sorted(Path(pytest_userfarm.__file__).parent.glob("*.py"))
    assert len(sources) > 10
    for source in sources:
        tree = ast.parse(source.read_text(), str(source), feature_version=OLDEST)
        assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body), f"{source}: annotations run"


def test_that_check_finds_what_is_newer() -> None:
    for newer in ("match x:\n    case 1: pass", "try: pass\nexcept* OSError: pass"):
        try:
            ast.parse(newer, feature_version=OLDEST)
        except SyntaxError:
            continue
        raise AssertionError(newer)
