"""The benchmark of speed runs, as far as it needs no server and none of the peers."""

import asyncio

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import pages, peers


def test_the_quick_part_runs_and_every_contender_gives_the_right_pages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "versions", dict)

    asyncio.run(
        command.quick(rounds=1, rows=200, places=2)
    )  # it asserts what each contender answers

    shown = capsys.readouterr().out.split("\n\n")
    by_title = {text.strip().split(",")[0]: text for text in shown if text.strip()}
    assert set(by_title) == {"keyset page", "offset page and count"}
    for text in by_title.values():
        names = [pages.OURS, pages.OURS_PER_REQUEST, pages.PREBUILT, pages.PER_REQUEST]
        assert all(name in text for name in names)
