"""The report in a browser: it is read as a file, clicked, hovered, and read again without JavaScript."""

from __future__ import annotations

import shutil

import pytest
from reporting.runs import run

from blockspace.reporting import write_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on the path")
HOSTILE = "<img src=x onerror=alert(1)>'\"\u202e"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tools:
        running = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return write_page(run(families=("hs", "resnext", HOSTILE)), tmp_path_factory.mktemp("report"))


@pytest.fixture
def page(browser, report):
    """The report, opened from its file; whatever the console says, and whatever is loaded, is a failure."""
    said, loaded = [], []
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda reason: said.append(str(reason)))
    opened.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda request: loaded.append(request.url))
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert said == [] and loaded == [report.as_uri()]


def column(page, number: int) -> list[str]:
    """The texts of a column of the rows that are shown."""
    script = f"rows => rows.map(row => row.cells[{number}].textContent.trim())"
    return page.eval_on_selector_all("#trials-table tbody tr:not([hidden])", script)


def test_a_click_on_a_column_sorts_by_it(page):
    heads = page.eval_on_selector_all("#trials-table th", "heads => heads.map(head => head.textContent)")
    place = heads.index("val acc, %")
    before = column(page, place)
    page.get_by_role("button", name="val acc, %").click()
    rising = column(page, place)
    known = [float(text) for text in rising if text]
    assert rising != before and known == sorted(known) and rising[len(known) :] == [""] * (len(rising) - len(known))
    page.get_by_role("button", name="val acc, %").click()
    assert [float(text) for text in column(page, place) if text] == known[::-1]
    assert page.locator("#trials-table th[aria-sort=descending]").count() == 1


def test_words_and_states_filter_the_trials(page):
    page.select_option("#filter-state", "over_budget")
    assert set(column(page, 1)) == {"over budget"}
    page.fill("#filter-words", "net-4")
    assert column(page, 3) == ["net-4"]
    assert page.locator("#filter-count").text_content() == "1 of 40"


def test_a_finalists_details_open(page):
    table = page.locator("#f0 details.nodes table")
    assert not table.is_visible()
    page.locator("#f0 details.nodes summary").click()
    assert table.is_visible() and "conv3x3" in table.text_content()


def test_a_point_under_the_mouse_says_its_name_and_lights_its_row(page):
    point = page.locator(".front a[href='#t1'] .mark")
    point.hover()
    assert page.locator(".bubble").is_visible() and "#1 net-1" in page.locator(".bubble").text_content()
    assert "lit" in page.locator("#t1").get_attribute("class")
    page.locator("h1").hover()
    assert not page.locator(".bubble").is_visible()
    point.click()
    assert page.url.endswith("#t1") and page.locator("#t1").is_visible()


def test_colours_follow_the_system(page):
    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    light = ground()
    page.emulate_media(color_scheme="dark")
    assert light == "rgb(255, 255, 255)" and ground() != light


def test_on_a_phone_the_page_is_not_wider_than_the_screen(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


CUT = """() => [...document.querySelectorAll("svg.chart, table, .drawing svg")].filter(one => {
    const card = one.closest(".drawing, .wide"), right = one.getBoundingClientRect().right
    const style = card && getComputedStyle(card)
    return right > innerWidth && !(style && style.overflowX === "auto" && parseFloat(style.borderRightWidth) > 0)
}).length"""


def test_on_a_phone_what_is_wide_scrolls_inside_a_card(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(CUT) == 0


@pytest.mark.parametrize("width", [390, 700, 1200])
def test_curves_have_one_size(page, width):
    """The baseline has one chart, the others two: it is not enlarged."""
    page.set_viewport_size({"width": width, "height": 900})
    sizes = page.eval_on_selector_all("svg.curves", "charts => charts.map(one => Math.round(one.getBoundingClientRect().width))")
    assert len(sizes) == 7 and len(set(sizes)) == 1


def test_a_name_is_only_ever_text(page):
    assert page.locator("img").count() == 0
    assert page.locator("#families bdi", has_text="<img src=x onerror=alert(1)>").count() > 0


def test_screenshots_and_paper(page, tmp_path):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
        assert (tmp_path / f"{scheme}.png").stat().st_size > 50_000
    page.emulate_media(media="print", color_scheme="dark")  # paper is white, whatever the screen is
    paper = page.locator("#f0 .drawing .paper").evaluate("sheet => getComputedStyle(sheet).fill")
    assert paper == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    assert page.pdf().startswith(b"%PDF")


def test_the_essentials_need_no_javascript(browser, report):
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(report.as_uri())
    assert opened.locator("#answer li").first.is_visible() and opened.locator("#answer table").is_visible()
    assert opened.locator("#front svg").first.is_visible() and opened.locator("#f0 .drawing").is_visible()
    assert opened.locator("#trials-table tbody tr").count() == 40 and opened.locator("#t39").is_visible()
    assert not opened.locator("#tools").is_visible()  # what would do nothing is not shown
    opened.locator("#f0 details.nodes summary").click()
    assert opened.locator("#f0 details.nodes table").is_visible()
    assert opened.locator(".front a[href='#t1'] title").count() == 1  # the browser's own tooltip
    context.close()
