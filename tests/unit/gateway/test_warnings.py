from gateway.warnings import warning_header
from providers.catalogue import Change


def test_the_header_names_every_change() -> None:
    changes = [Change("aspect_ratio", "1:1", "16:9"), Change("seed", "7", None)]
    assert warning_header(changes) == {"Reelworks-Warning": "aspect_ratio=1:1 not possible, 16:9 taken; seed ignored"}


def test_without_a_change_there_is_no_header() -> None:
    assert warning_header([]) == {}


def test_a_value_that_no_header_can_carry_is_escaped() -> None:
    (text,) = warning_header([Change("output_format", "gï\u202ef\n", "png")]).values()
    assert text == r"output_format=g\xef\u202ef\n not possible, png taken"
