import unicodedata

import pytest

from schemas.text import name, prose, shown, visible

RIGHT_TO_LEFT = "مرحبا\u200f (logo \u2066v2\u2069) ab\u200ec\u061c"
PERSIAN = "می\u200cخواهم"
FAMILY = "👨\u200d👩\u200d👧"

each_check = pytest.mark.parametrize("check", [prose, name])


@each_check
@pytest.mark.parametrize("text", ["灯台 🗼 маяк", "clé", "a, b: c!"])
def test_text_of_every_script_is_taken_as_it_is(check: object, text: str) -> None:
    assert callable(check)
    assert check(text) == text


@each_check
@pytest.mark.parametrize(
    ("character", "words"),
    [
        ("\x00", "has a control character (U+0000) as character 3; leave it out"),
        ("\x1b", "has a control character (U+001B) as character 3; leave it out"),
        ("\x7f", "has a control character (U+007F) as character 3; leave it out"),
        ("\x85", "has a control character (U+0085) as character 3; leave it out"),
        ("\ud83d", "has half of a surrogate pair (U+D83D) as character 3; leave it out"),
        ("\udc00", "has half of a surrogate pair (U+DC00) as character 3; leave it out"),
        ("\u202e", "has a mark of direction (U+202E) as character 3; leave it out"),
    ],
)
def test_refused_character_is_named_with_its_place(check: object, character: str, words: str) -> None:
    assert callable(check)
    with pytest.raises(ValueError, match=r"as character 3; leave it out$") as refused:
        check(f"ab{character}c")
    assert str(refused.value) == words


@pytest.mark.parametrize("text", ["two\nlines", "\ttab", "windows\r\n", RIGHT_TO_LEFT, PERSIAN, FAMILY, "a\u2028b"])
def test_prose_keeps_the_characters_that_people_write(text: str) -> None:
    assert prose(text) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a\nb", "a control character"),
        ("a\u2028b", "white space other than a plain space"),
        ("a\u00a0b", "white space other than a plain space"),
        (RIGHT_TO_LEFT, "a mark of direction"),
        (PERSIAN, "an invisible character"),
        ("a\ufeffb", "an invisible character"),
        ("a\u00adb", "an invisible character"),
    ],
)
def test_name_has_no_character_that_cannot_be_seen(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=rf"^has {kind} \(U\+"):
        name(text)


def test_every_text_that_prose_takes_can_be_stored() -> None:
    characters = [chr(code) for code in range(0x110000)]
    for one in characters:
        try:
            prose(one)
        except ValueError:
            assert unicodedata.category(one) in {"Cc", "Cs", "Cf"}
        else:
            assert one.encode()
            assert unicodedata.category(one) != "Cs"
            assert one in "\t\n\r" or unicodedata.category(one) != "Cc"


def test_shown_text_is_short_and_can_be_sent() -> None:
    assert visible("a\ud83d\x00\u202eé") == r"a\ud83d\x00\u202eé"
    assert len(shown("\ud83d" * 1000)) == 80
    assert shown("boats and " * 1000) == "boats and " * 8


KEY = f"rw_{'aB3dE' * 8}xyz"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KEY, "rw_[…]"),
        (KEY.replace("rw_", "rw_test_"), "rw_test_[…]"),
        (f"whsec_{'aB3dE' * 6}", "whsec_[…]"),
        (f"nano-banana/{KEY}", "nano-banana/rw_[…]"),
        (f"X-API-Key: {KEY}", "X-API-Key: rw_[…]"),
        (f"Bearer {KEY}", "Bearer rw_[…]"),
        (f"{'boat ' * 15}{KEY}", f"{'boat ' * 15}rw_[…"),
        (KEY * 1000, "rw_[…]"),
        ("https://shop.example/hooks?t=1", "https://shop.example/[…]"),
        ("black-forest-labs/flux-1.1-pro", "black-forest-labs/flux-1.1-pro"),
    ],
)
def test_shown_text_has_no_key(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_name_in_the_form_of_a_token_shows_its_beginning() -> None:
    name_of_a_model = "black-forest-labs-flux-kontext-max-2026-pro"
    assert len(name_of_a_model) == 43
    assert shown(name_of_a_model) == "black-[…]"
    assert shown(f"{name_of_a_model}/fast") == "black-[…]/fast"


@pytest.mark.parametrize("before", ["https://shop.example/", "see https://shop.example/?"])
@pytest.mark.parametrize(
    "secret", [KEY, f"whsec_{'aB3dE' * 6}", f"eyJ{'aB3dE' * 9}.{'aB3dE' * 9}.", "https://u:1234@b/"]
)
@pytest.mark.parametrize("read", [12, 15])
def test_shown_text_has_no_part_of_a_secret_that_the_end_of_the_search_divides(
    before: str, secret: str, read: int
) -> None:
    link = before + "x" * (999 - read - len(before))
    for text in (f"{link} {secret}", f"{link}){secret}"):
        assert secret[6:10] not in shown(text + " boats" * 100)


def test_a_long_link_keeps_its_host_and_a_long_word_is_left_out() -> None:
    assert shown(f"see https://shop.example/{'x' * 2000}") == "see https://shop.example/[…]"
    assert shown("boat " + "x" * 2000) == "boat […]"
    assert shown("x" * 2000) == "[…]"
