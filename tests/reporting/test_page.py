"""The page as text: what is in it, that nothing is loaded, and that no name becomes markup."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from reporting.runs import begun, run

import blockspace as bs
from blockspace.passes import RULES
from blockspace.reporting import SearchCounts, answer_json, draw_front_png, draw_front_svg, read_answer, render_page, write_page
from blockspace.reporting.html.charts import draw_best_so_far, list_whole_repeats
from blockspace.reporting.html.charts.study_curves import trace_best

NASTY = (
    "<script>alert(1)</script>", "</style><script>alert(2)</script>", "\"><img src=x onerror=alert(3)>", "' onmouseover='alert(4)",
    "]]><svg onload=alert(5)>", "{{ 7 * 7 }}", "\u202eevil\u202c", "a\u2066b", "nul\x00esc\x1b[31m", "\ud800", "--><b>",
    "&lt;b&gt;", "javascript:x",
)  # fmt: skip


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of style and script."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.found.append((name, dict(attributes)))
        self.inside = name

    def handle_endtag(self, name):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("style", "script"):
            self.texts.append(data)


PLAIN = Elements(render_page(run()))


def test_the_order_is_question_answer_front_families_finalists_trials_conditions():
    text = render_page(run())
    places = [text.index(f'id="{name}"') for name in ("answer", "front", "families", "finalists", "trials", "conditions")]
    assert text.index("<h1>Is it better?</h1>") < places[0] and places == sorted(places)


def test_every_sentence_of_the_answer_is_there():
    one = run()
    text = "".join(PLAIN.texts)
    assert len(one.answer.sentences()) == 3
    assert all(sentence in text for sentence in one.answer.sentences())


def test_every_trial_is_a_row_with_its_state():
    one = run()
    found = re.findall(r'<tr id="t(\d+)"><td>\d+<td class="(\w+)">', render_page(one))
    assert found == [(str(t.number), t.state) for t in one.trials]


def test_every_trained_trial_is_a_point_that_leads_to_its_row():
    points = {attributes["href"] for name, attributes in PLAIN.found if name == "a" and re.match(r"#t\d", attributes["href"])}
    assert points == {f"#t{t.number}" for t in run().trials if t.state == "trained"}


def test_the_counts_add_up():
    counts = run().counts
    assert counts["proposed"] == 40 == sum(counts.values()) - counts["proposed"]
    assert counts["failed"] == sum(t.state in ("failed", "oom") for t in run().trials)


def test_the_policy_allows_this_style_and_this_script_and_nothing_else():
    text = render_page(run())
    policy = next(a["content"] for name, a in PLAIN.found if name == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for name in ("style", "script"):
        bodies = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert len(bodies) == 1
        assert f"{name}-src 'sha256-{base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()}'" in policy


def check_harmless(found: Elements) -> None:
    """No handler, no inline style, one script, and every address inside the page."""
    assert [name for name, _ in found.found].count("script") == 1
    loading = ("style", "src", "srcset", "action", "formaction", "xlink:href")
    for name, attributes in found.found:
        assert not [key for key in attributes if key.startswith("on") or key in loading]
        assert attributes.get("href", "#").startswith("#"), (name, attributes)
        assert name not in ("img", "link", "iframe", "object", "embed", "form", "base", "image", "foreignobject")


def test_nothing_is_loaded_and_nothing_handles_events_inline():
    check_harmless(PLAIN)
    addresses = re.findall(r"[a-z]+://[^\s\"'<]+", render_page(run()))
    assert all(a.startswith(("http://www.w3.org/2000/svg", "sqlite://")) for a in addresses)


@pytest.mark.parametrize("name", NASTY)
def test_no_name_becomes_markup(name):
    text = render_page(run(12, (name, name + "2"), name, name))
    text.encode()  # no lone surrogate is left
    found = Elements(text)
    check_harmless(found)
    assert [n for n, _ in found.found if n not in ("a", "p")].count("b") == [n for n, _ in PLAIN.found].count("b")  # the counters' own
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


def test_a_finalist_is_drawn_as_written_first_and_the_canonical_form_is_named():
    content = run()
    written = RULES["idempotent"].example()
    finals = [replace(one, graph=bs.canonical(written) if one.number == 0 else written) for one in content.finals]
    both, one = render_page(replace(content, finals=tuple(finals))).split('<article id="f')[1:3]
    first, second = both.split("<summary>In canonical form, as it was trained</summary>")
    drawn = [text.split('<div class="drawing">')[1].split("</svg>")[0] for text in (first, second)]
    assert "As written in its YAML.</p>" in first and drawn[0] in written.svg(styled=False) and drawn[1] not in written.svg(styled=False)
    assert "As written in its YAML, which is canonical form.</p>" in one and "In canonical form" not in one


def test_files_that_were_left_out_are_listed():
    texts = " ".join(Elements(render_page(run(2, name="torn"))).texts)
    assert "1 unreadable file of the data left out" in texts and "torn.png" in texts


def test_what_cannot_be_seen_is_spelled_out():
    assert r"\u202eevil\u202c" in render_page(run(4, name="\u202eevil\u202c"))
    assert "<script>alert" in html.unescape("".join(Elements(render_page(run(4, name="<script>alert"))).texts))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=40), st.text(min_size=1, max_size=20))
def test_any_text_as_a_name(name, family):
    one = run(9, (family, family + "'"), name, name)
    found = Elements(render_page(one))
    check_harmless(found)
    svg = draw_front_svg(one)
    ElementTree.fromstring(svg)


def test_the_picture_of_the_front_is_a_png_and_has_no_variables():
    assert "var(" not in draw_front_svg(run())
    assert draw_front_png(run())[:8] == b"\x89PNG\r\n\x1a\n"
    assert draw_front_png(begun()) is None


def test_curves_of_families_are_drawn_with_a_test_of_each_pair():
    text = render_page(run())
    assert text.count('class="chart small"') == 3
    assert "Independent draws: all networks of the search" in text and "<bdi>hs, resnext</bdi>" in text and "are left out" not in text


def test_without_independent_draws_the_reason_stands_in_their_place():
    text = render_page(replace(run(), draws=(), no_draws="they need more"))
    assert text.count('class="chart small"') == 1 and "with a test are left out: they need more." in text


def test_the_best_so_far_is_a_median_and_a_range_over_whole_searches():
    one = run(12, ("hs",))
    values = [(0.5, 0.7, 0.6, 0.9), (0.8, 0.2, 0.85, 0.3), (0.1, 0.95)]
    trials = [
        replace(one.trials[0], number=10 * repeat + n, repeat=repeat, metrics={"val_acc": value}, values={"val_acc": value, "latency": 1.0})
        for repeat, some in enumerate(values) for n, value in enumerate(some)
    ]  # fmt: skip
    content = replace(one, trials=tuple(trials), searches=SearchCounts(3, (0, 1), 2))
    assert list_whole_repeats(content) == [0, 1] and list_whole_repeats(replace(content, searches=SearchCounts(3, ()))) == [0, 1, 2]
    assert trace_best(content, "hs", "val_acc") == [[0.5, 0.7, 0.7, 0.9], [0.8, 0.8, 0.85, 0.85]]
    assert "medians over 2 searches" in render_page(content) and 'class="band f0"' in render_page(content)
    assert 'class="band' not in str(draw_best_so_far(one, "val_acc"))


def test_a_study_that_has_only_begun_says_so():
    text = "".join(Elements(render_page(begun())).texts)
    assert "There is no answer yet" in text


def test_an_answer_of_part_of_the_finals_is_called_preliminary():
    one = run()
    waiting = tuple(replace(t, state="waiting") if t.replicate == 1 else t for t in one.finals[0].trainings)
    text = render_page(replace(one, finals=(replace(one.finals[0], trainings=waiting), *one.finals[1:])))
    assert "Preliminary" in text and "Preliminary" not in render_page(one)


def test_unfinished_trials_of_a_stopped_study_are_not_called_running():
    stopped = "".join(Elements(render_page(replace(run(), state="stopped"))).texts)
    assert "unfinished" in stopped and "running" not in stopped
    assert "running" in "".join(Elements(render_page(replace(run(), state="running"))).texts)


def test_a_large_study_stays_under_a_megabyte_and_says_what_was_left_out():
    one = run(9_000, name="a-rather-long-name-for-a-network-" * 2)
    text = render_page(one)
    assert len(text.encode()) < 1_000_000
    rows = text.count('<tr id="t')
    assert 100 < rows < 9_000 and f"{9_000 - rows:,} further proposals" in text
    assert all(f'id="t{number}"' in text for number in (0, 1))  # finalists are never left out


def test_one_trial_one_family_and_equal_costs(tmp_path):
    one = run(1, ("only",))
    write_page(replace(one, answer=None), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "front.png"}


def test_an_answer_survives_its_file():
    one = run().answer
    assert read_answer(answer_json(one)) == one
    for text in ("", "{}", "[]", '{"format": "other"}', answer_json(one).replace('"p"', '"q"')):
        with pytest.raises(ValueError):
            read_answer(text)


def test_the_front_of_a_metric_that_is_not_an_objective():
    """The staircase compares the metric on the axis, also where the objectives are others."""
    one = run()
    trials = tuple(replace(trial, values={"latency": 1.0}) if trial.values else trial for trial in one.trials)
    changed = replace(one, objectives={"latency": "minimize"}, trials=trials, finals=(), answer=None)
    steps = re.search(r'<path d="([^"]+)" class="steps s0"', draw_front_svg(changed))
    assert steps and steps[1].count("V") >= 2
