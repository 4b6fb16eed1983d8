"""The checklists: what is met follows from the report, what is not has a remedy, and text and page say the same."""

from __future__ import annotations

import html
from dataclasses import replace

from reporting.runs import begun, run

from blockspace.records import ComputeTotals, RunEnvironment
from blockspace.reporting import SearchCounts, SplitUse, StudyProtocol, fill_checklist, render_page, write_checklist_text
from blockspace.reporting.checklist import ITEMS

MACHINE = RunEnvironment("2026-01-01T10:00:00", "3.13", "Linux", "EPYC", 2, 4, 2**33, "openblas", commit="a" * 40, packages={"torch": "2"})
PROTOCOL = StudyProtocol(
    sampler="tpe", seed=0, trials=24, repeats=5, per_choice=("block",), final_seeds=3, random=3, tune="one recipe for all",
    space_inside="space/x.yaml", data="digits", digest="b" * 64, parts={"train": 10, "test": 5}, leaked=0,
)  # fmt: skip
COMPUTE = ComputeTotals(1, 100.0, 150.0, (), 20, 0, 0.0)


def whole(**changes):
    """A report of a study that does all that is asked, with changes."""
    known = {
        "protocol": PROTOCOL, "machines": (MACHINE,), "compute": COMPUTE, "test_use": SplitUse("c" * 32, "d" * 64, 1),
        "searches": SearchCounts(5, (0, 1, 2, 3, 4)),
    }  # fmt: skip
    return replace(run(), **known | changes)


def found(report) -> dict[str, str]:
    return {f"{row.source} {row.number}".strip(): row.finding.state for row in fill_checklist(report)}


def test_a_study_that_does_everything_misses_nothing_but_its_exports():
    states = found(whole())
    assert len(states) == len(ITEMS) == 27
    assert [name for name, state in states.items() if state == "not met"] == ["NeurIPS 13"]


CHANGES = {
    "NAS best practices 2g": ({"searches": SearchCounts(1, (0,)), "protocol": replace(PROTOCOL, repeats=1)}, "search.repeats=5"),
    "NAS best practices 2f": ({"protocol": replace(PROTOCOL, random=0)}, "finalists.random=3"),
    "NAS best practices 3a": ({"protocol": replace(PROTOCOL, tune="")}, "tune="),
    "NAS best practices 2a": ({"protocol": replace(PROTOCOL, per_choice=())}, "search.per_choice={block: equal}"),
    "NAS best practices 1a": ({"machines": (replace(MACHINE, dirty=True),)}, "git commit"),
    "NAS best practices 2b": ({"machines": (MACHINE, replace(MACHINE, cpu="Xeon"))}, "out="),
    "NAS best practices 3b": ({"compute": None}, "out="),
    "NAS best practices 1b": ({"protocol": replace(PROTOCOL, space_inside="")}, "blockspace search x.yaml"),
    "NeurIPS 7": ({"protocol": replace(PROTOCOL, final_seeds=1)}, "finalists.seeds=3"),
    "NeurIPS 8": ({"compute": replace(COMPUTE, cpu=None)}, "out="),
    "Test split": ({"test_use": SplitUse("c" * 32, "d" * 64, 7)}, "data.seed"),
}


def test_what_is_not_met_has_the_command_or_key_that_would():
    before = found(whole())
    for name, (changes, remedy) in CHANGES.items():
        report = whole(**changes)
        row = next(row for row in fill_checklist(report) if f"{row.source} {row.number}".strip() == name)
        assert (before[name], row.finding.state) == ("met", "not met"), name
        assert remedy in row.finding.remedy, name
    rows = [row for report in [whole(**changes) for changes, _ in CHANGES.values()] for row in fill_checklist(report)]
    assert all(bool(row.finding.remedy) == (row.finding.state == "not met") for row in rows)
    assert "7 runs" in write_checklist_text(whole(**CHANGES["Test split"][0]))


def test_text_and_page_say_the_same():
    report = whole(searches=SearchCounts(1, (0,)))
    text, page = write_checklist_text(report), html.unescape(render_page(report))
    for row in fill_checklist(report):
        for part in (row.text, row.finding.fact, row.finding.remedy):
            assert part in text and part in page
    assert text.count("- [x] ") == sum(row.finding.state == "met" for row in fill_checklist(report)) > 10
    assert 'id="checklist"' in page and "What it took" in page and MACHINE.cpu in page


def test_a_report_without_settings_has_no_checklist_and_one_that_has_only_begun_has():
    assert fill_checklist(run()) == [] and 'id="checklist"' not in render_page(run())
    states = found(begun(protocol=PROTOCOL))
    assert states["NAS best practices 2d"] == states["NeurIPS 1"] == "not met"
