"""The whole way of a person through the page, in a real browser, by clicking, typing and by keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

pytestmark = pytest.mark.browser

SENTENCE = "#green-sentence h1"
POINT = "#green-front .scatterlayer .trace .points path"
WAIT_MS = 30_000


@pytest.fixture
def open_page(chromium: Any, app_url: str) -> Iterator[Callable[..., Any]]:
    """`open_page(query, width=…)`: the page in a browser of its own; fails on errors and on other hosts afterwards."""
    contexts, wrong = [], []

    def open_one(query: str = "", width: int = 1280, height: int = 900) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((app_url, "data:", "blob:")) else wrong.append(r.url))
        page.goto(app_url + query)
        page.wait_for_selector(f"html:not(.green-restoring) {SENTENCE}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def sentence(page: Any) -> str:
    return page.inner_text(SENTENCE)


def changes(page: Any, act: Callable[[], None], *, selector: str = SENTENCE) -> str:
    """Act, and wait until that place says something else; returns what it says then."""
    before = page.inner_text(selector)
    act()
    page.wait_for_function("([s, t]) => document.querySelector(s)?.innerText !== t", arg=[selector, before])
    return page.inner_text(selector)


def test_the_whole_way_by_clicking_and_the_link_in_a_fresh_browser(open_page: Callable[..., Any], shot: Any) -> None:
    page = open_page()
    page.wait_for_selector(POINT)
    shot(page, "-start")
    first = sentence(page)
    redrawn(page, lambda: page.get_by_text("Texts", exact=True).click())
    page.wait_for_url("**domain=nlp**")
    redrawn(page, lambda: page.click("#green-preset-0"))
    page.wait_for_url("**energy=5**")
    _click_another_point(page)
    page.wait_for_url("**pick=**")
    assert sentence(page).startswith("Your choice")
    command = page.inner_text("#green-command code")
    assert command.startswith("green-collect --domain nlp")
    page.click("#green-command .green-copy")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == command
    for tab in ("Why: change by change", "Curves and phases", "How sure", "Compare", "Take away"):
        page.get_by_role("tab", name=tab).click()
    assert "from green_predictor import recommend" in page.inner_text("#green-take-away")
    with page.expect_download() as picture:
        page.get_by_text("Save the figure (PNG)").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as table:
        page.locator("#green-take-away").get_by_role("link", name="CSV").click()
    assert "green-collect --domain nlp" in Path(table.value.path()).read_text()
    page.get_by_text("Copy link to this view").click()
    link = page.evaluate("navigator.clipboard.readText()")
    fresh = open_page("?" + urlsplit(link).query)
    assert sentence(fresh) == sentence(page) != first
    assert fresh.inner_text("#green-command code") == command
    shot(fresh, "-restored")


def _click_another_point(page: Any) -> None:
    """Click a hollow point of the front that is not the ringed one: the one that stands freest of all others."""
    page.wait_for_selector(POINT)
    place = page.evaluate("""() => {
        const box = document.querySelector("#green-front .green-figure");
        const axes = box._fullLayout, frame = box.getBoundingClientRect();
        const across = (x) => frame.x + axes._size.l + axes.xaxis.d2p(x);
        const down = (y) => frame.y + axes._size.t + axes.yaxis.d2p(y);
        const marks = box.data.filter((trace) => trace.hoverinfo !== "skip");
        const all = marks.flatMap((trace) => trace.x.map((x, i) => ({ x: across(x), y: down(trace.y[i]) })));
        const trace = marks.find((one) => one.name.startsWith("Predicted"));
        const ring = marks[marks.length - 1].customdata[0];
        const free = (p) => Math.min(...all.map((q) => Math.hypot(p.x - q.x, p.y - q.y)).filter((d) => d > 0.5));
        const inside = (p) => p.y > frame.y + axes._size.t && p.y < frame.y + axes._size.t + axes._size.h;
        const points = trace.customdata.map((id, i) => ({ id, x: across(trace.x[i]), y: down(trace.y[i]) }));
        return points.filter((p) => p.id !== ring && inside(p)).sort((p, q) => free(q) - free(p))[0];
    }""")
    page.mouse.move(place["x"], place["y"])
    page.wait_for_timeout(300)
    changes(page, lambda: page.mouse.click(place["x"], place["y"]))


def redrawn(page: Any, act: Callable[[], None]) -> None:
    """Act, and wait until the front's figure shows something else."""
    shown = "document.querySelector('#green-front .green-figure').getAttribute('aria-label')"
    before = page.evaluate(shown)
    act()
    page.wait_for_function(f"(before) => {shown} !== before", arg=before)


def test_keyboard_alone(open_page: Callable[..., Any]) -> None:
    page = open_page("?domain=cv&dataset=digits&energy=50")
    slider = page.locator("#green-energy input[type=range]")
    slider.focus()

    def to_the_end() -> None:
        page.keyboard.press("End")

    said = changes(page, to_the_end, selector="#green-card")
    assert said
    page.wait_for_url("**energy=100**")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("document.activeElement.closest('[id^=green-]')?.id || document.activeElement.innerText")
        )
    assert {"green-pick", "green-command"} <= seen


def test_an_impossible_limit_is_answered_with_the_cheapest(open_page: Callable[..., Any], shot: Any) -> None:
    page = open_page("?domain=cv&dataset=digits")
    page.get_by_text("Limits and CO₂").click()
    page.fill("#green-kwh input", "0.0000000001")
    page.keyboard.press("Tab")
    page.wait_for_selector("text=Nothing satisfies")
    assert "The cheapest is" in page.inner_text("#green-sentence")
    assert page.locator(".toast-wrap .error").count() == 0
    shot(page)
    page.click("#green-reset")
    page.wait_for_selector(POINT)


def test_a_dropped_file_is_described_and_gone(
    open_page: Callable[..., Any], upload_folder: Path, tmp_path: Path
) -> None:
    good, wrong = tmp_path / "mine.csv", tmp_path / "wrong.csv"
    good.write_text("text,label\n" + "\n".join(f"a private sentence {i},{i % 3}" for i in range(60)))
    wrong.write_text("a,b\n1,2\n3,4\n")
    page, other = open_page("?domain=nlp&dataset=described&n_train=100&n_classes=2"), open_page()
    before = sentence(other)
    page.set_input_files("#green-upload input[type=file]", wrong)
    page.wait_for_selector("text=numbers only")
    page.set_input_files("#green-upload input[type=file]", good)
    page.wait_for_selector("text=Read “text” as the text")
    assert page.input_value("#green-n_train input") == "60" and page.input_value("#green-n_classes input") == "3"
    page.wait_for_url("**n_train=60**")
    left = [p for p in upload_folder.rglob("*") if p.is_file() and b"private sentence" in p.read_bytes()]
    assert left == []
    other.reload()
    other.wait_for_selector(SENTENCE)
    assert sentence(other) == before and "n_train" not in other.url


def test_a_broken_link_says_what_it_left_out(open_page: Callable[..., Any]) -> None:
    page = open_page("?domain=audio&energy=lots")
    page.wait_for_selector("#green-restored .green-complaint")
    said = page.inner_text("#green-restored")
    assert "audio" in said and "lots" in said


def test_a_hostile_link_is_only_text(open_page: Callable[..., Any]) -> None:
    evil = "${window.evil=1}{{constructor}}<img src=x onerror=window.evil=1>'\""
    page = open_page("?domain=cv&dataset=" + quote(evil) + "&machine=" + quote(evil))
    page.wait_for_timeout(500)
    assert page.evaluate("window.evil") is None
    assert "<img src=x" in page.inner_text("#green-sentence")


def test_a_phone_scrolls_down_only_and_says_the_sentence_first(open_page: Callable[..., Any], shot: Any) -> None:
    page = open_page(width=400, height=860)
    page.wait_for_selector(POINT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    top = page.locator("#green-sentence").bounding_box()["y"]
    assert top < page.locator("#green-domain").bounding_box()["y"]
    for box in ("#green-front .green-figure", "#green-command", "#green-pick"):
        edges = page.locator(box).first.bounding_box()
        assert edges["x"] >= 0 and edges["x"] + edges["width"] <= 401
    shot(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read_in_both_themes(open_page: Callable[..., Any], shot: Any, theme: str) -> None:
    page = open_page(f"?__theme={theme}")
    page.wait_for_selector(POINT)
    for selector in (SENTENCE, "#green-sentence p", ".green-facts dt", ".green-facts dd", "#green-command code"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector
    shot(page)


CONTRAST = """(selector) => {
    const read = (text) => {
        const parts = text.match(/[\\d.]+/g).map(Number);
        return parts.length > 3 && parts[3] === 0 ? null : parts;
    };
    const linear = (c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
    let element = document.querySelector(selector), ground = null;
    const ink = read(getComputedStyle(element).color);
    for (; element && !ground; element = element.parentElement) {
        ground = read(getComputedStyle(element).backgroundColor);
    }
    const [a, b] = [light(ink), light(ground || [255, 255, 255])];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""
"""WCAG 2.2 contrast of an element's text with the first ground behind it that is painted."""


def test_explore_filters_and_takes_away(open_page: Callable[..., Any], shot: Any) -> None:
    page = open_page()
    page.get_by_role("tab", name="Explore the runs").click()
    page.wait_for_selector("#explore-figure .scatterlayer .points path")
    page.click("#explore-domain input")

    def choose_images() -> None:
        page.get_by_role("option", name="images").click()

    said = changes(page, choose_images, selector="#explore-note")
    assert "runs" in said and "Wh in all" in said
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").last.click()
    assert taken.value.suggested_filename == "ecotaskset-runs.csv"
    assert Path(taken.value.path()).read_text().count(",cv,") > 0
    shot(page)


def test_first_paint_warm(open_page: Callable[..., Any]) -> None:
    page = open_page()
    context = page.context
    start = time.perf_counter()
    again = context.new_page()
    again.goto(page.url)
    again.wait_for_selector(SENTENCE)
    said = time.perf_counter() - start
    painted = again.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    again.wait_for_selector(POINT)
    print(f"first paint {painted:.2f} s, sentence {said:.2f} s, figure {time.perf_counter() - start:.2f} s")
    assert painted < 15  # three seconds is the aim on a machine of its own; tests share theirs
