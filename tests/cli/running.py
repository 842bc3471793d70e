"""Runs commands in this process and keeps what they write."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from app.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    status: int
    output: bytes
    errors: str

    @property
    def text(self) -> str:
        return self.output.decode("utf-8")

    def json(self) -> Any:
        assert self.status == 0, self.errors
        return json.loads(self.output)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.output.splitlines()]


@dataclass(frozen=True)
class CommandLine:
    """Call it with words, as a shell would."""

    capture: pytest.CaptureFixture[bytes]

    def __call__(self, *words: object) -> Ran:
        self.capture.readouterr()
        status = main([str(word) for word in words])
        written = self.capture.readouterr()
        return Ran(status, written.out, written.err.decode("utf-8"))
