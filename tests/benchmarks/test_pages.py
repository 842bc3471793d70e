"""Pages and lists of a hundred thousand rows keep to what is promised for a million."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import pages

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_every_page_is_there_at_once_and_small(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)  # root's Postgres runs under another account
    with pages.filled_runtime(tmp_path, 100_000) as (runtime, names):
        found = asyncio.run(pages.measure_all(runtime, names, 3, ""))
    assert len(found) > 100
    assert [each.path for each in found if not each.met] == []
