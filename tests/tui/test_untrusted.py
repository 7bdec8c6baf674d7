import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from selectllm_tui.untrusted import MARKS_PER_LETTER, safe, visible

anything = st.text(
    st.characters()
    | st.sampled_from("\x1b\x9b\r\n\t\u202e\u2066\u200b\u200d\ufe0f\u0301\u2028\ud800\U000e0041❤👩1\u20e3")
)


@given(anything, st.booleans(), st.none() | st.integers(1, 30))
def test_nothing_invisible_or_controlling_is_left(text, newlines, limit):
    shown = visible(text, newlines=newlines, limit=limit)
    left = {unicodedata.category(char) for char in shown if not (newlines and char == "\n")}
    assert not left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()  # no lone surrogate


@given(anything, st.booleans(), st.none() | st.integers(1, 30))
def test_twice_is_once(text, newlines, limit):
    once = visible(text, newlines=newlines, limit=limit)
    assert visible(once, newlines=newlines, limit=limit) == once


@given(st.text(st.characters(categories=("L", "N", "P", "Sm", "Sc", "Zs"))))
def test_letters_of_every_script_stay_as_they_are(text):
    blank = {0x115F, 0x1160, 0x3164, 0xFFA0}
    stacking = range(0x1161, 0x1200)
    if not any(ord(char) in blank or ord(char) in stacking for char in text):
        assert visible(text) == text


@given(anything, st.integers(1, 40))
def test_limit_counts_the_result(text, limit):
    assert len(visible(text, limit=limit)) <= limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("\x9b31m\x7f\x85", "⟨U+009B⟩31m␡⟨U+0085⟩"),
        ("72\u202e27", "72⟨U+202E⟩27"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("hid\U000e0068\U000e0069", "hid⟨U+E0068⟩⟨U+E0069⟩"),
        ("a\ufe01b", "a⟨U+FE01⟩b"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("one\r\ntwo\tthree\r", "one↵two⇥three␍"),
        ("e" + "\u0301" * 40, "e" + "\u0301" * MARKS_PER_LETTER + "⟨+36 marks⟩"),
        ("\u0301", "◌\u0301"),
        ("👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3", "👩💻 ❤ 1\u20e3"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
        ("żółć नमस्ते 日本語 שלום", "żółć नमस्ते 日本語 שלום"),
        ("", ""),
    ],
)
def test_examples(text, shown):
    assert visible(text) == shown


def test_newlines_are_kept_where_asked():
    assert visible("one\r\ntwo\n\tthree", newlines=True) == "one\ntwo\n    three"


def test_long_text_is_cut():
    assert visible("x" * 10_000_000, limit=10) == "xxxxxxxxx…"
    assert visible("x" * 10, limit=10) == "x" * 10


def test_safe_reads_no_markup():
    text = safe("[bold]a[/bold] [@click=app.quit]b[/]\x1b", style="red")
    assert text.plain == "[bold]a[/bold] [@click=app.quit]b[/]␛"
    assert text.spans == []
    assert cell_len(text.plain) == len(text.plain)
