"""A stand-in for pytest-playwright, which Debian does not have: fixtures of the same names, scopes and arguments, and a browser that is
urllib. It was compared with the source of pytest-playwright and pytest-playwright-asyncio 0.7.1.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import urlencode

import pytest
from visitor import Visitor


class Page:
    def __init__(self, context: "Context") -> None:
        self.context = context
        self.status = 0

    def goto(self, url: str, **fields: str) -> None:
        self.status = self.context.visitor.get(url + ("?" + urlencode(fields) if fields else ""))


class Context:
    def __init__(self, *, base_url: str, storage_state: Any = None, **_: Any) -> None:
        assert storage_state is None or isinstance(storage_state, dict)
        self.visitor = Visitor(base_url, json.dumps(storage_state) if storage_state else None)

    def new_page(self) -> Page:
        return Page(self)

    def storage_state(self) -> Dict[str, Any]:
        return self.visitor.state

    def close(self) -> None:
        pass


class Browser:
    def __init__(self) -> None:
        self.opened: List[List[str]] = []

    def new_context(self, **arguments: Any) -> Context:
        self.opened.append(sorted(arguments))
        return Context(**arguments)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser_context_args(**kwargs): provide additional arguments to browser.new_context()")


@pytest.fixture(scope="session")
def browser() -> Browser:
    return Browser()


@pytest.fixture(scope="session")
def browser_context_args() -> Dict[str, Any]:
    return {"record_video_dir": "videos"}


@pytest.fixture
def new_context(
    browser: Browser, browser_context_args: Dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Context]]:
    marker = next(request.node.iter_markers("browser_context_args"), None)
    of_test = {**browser_context_args, **(marker.kwargs if marker else {})}
    contexts: List[Context] = []

    def make(**arguments: Any) -> Context:
        contexts.append(browser.new_context(**of_test, **arguments))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def context(new_context: Callable[..., Context]) -> Context:
    return new_context()


@pytest.fixture
def page(context: Context) -> Page:
    return context.new_page()
