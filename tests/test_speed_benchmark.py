"""The benchmark of speed runs, as far as it needs no server and none of the peers."""

import asyncio
from xml.etree import ElementTree

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import pages, peers
from benchmarks.speed.plots import against_depth, bars
from benchmarks.speed.runner import Ratio, Times


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


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    times = Times({"one": (2.0, 40.0, 9.0), "other": (1.0, 20.0, 3.0)})

    assert times.ratio("one", "other") == Ratio(median=2.0, low=2.0, high=2.5)


def test_the_plots_are_svg_that_names_every_contender() -> None:
    drawn = (
        bars("title", "note", {"SQLite": {"sqla-pages": 1.0, "a peer & co": 20.0}}),
        against_depth(
            "title", "note", {"sqla-pages": {50: 1.0, 1000: 2.0}, "a peer & co": {50: 9}}
        ),
    )

    for svg in drawn:
        texts = {element.text for element in ElementTree.fromstring(svg).iter()}
        assert {"title", "note", "sqla-pages", "a peer & co"} <= texts
